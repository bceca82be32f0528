"""Certificates and keys as files have them: PEM, DER, PKCS#12."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import PublicKeyAlgorithmOID

from anchorhold.errors import CertificateInvalidError, SecretMissingError, SecretWrongError
from anchorhold.parser_errors import guard_parser
from anchorhold.public_keys import spec_of, spki
from anchorhold.x509.ber import BerError, read_one, to_der
from anchorhold.x509.file_formats import PKCS7, FileError, blocks, certificates_in
from anchorhold.x509.kdf_cost import check_kdf_cost
from anchorhold.x509.lenient_certificates import load_lenient, parse_eagerly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from anchorhold.errors import AnchorholdError
    from anchorhold.secret import Secret
    from anchorhold.software_keys import PrivateKey

_MAX_CERTIFICATES: Final = 1_000
"""Certificates in one file."""
_PASSWORD: Final = re.compile("password|mac|decrypt", re.IGNORECASE)


def load_certificate(data: bytes, subject: str = "certificate", *, lenient: bool = False) -> x509.Certificate:
    """Read a certificate; of several, such as a chain with the root first, the one that issued none of the others.

    Raises:
        CertificateInvalidError: It cannot be read.
    """
    return select_certificate(load_certificates(data, subject, lenient=lenient))


def load_certificates(
    data: bytes, subject: str = "certificate", *, lenient: bool = False
) -> tuple[x509.Certificate, ...]:
    """Read all certificates in a file, at least one: PEM, DER, PKCS#7 and others of `anchorhold.x509.file_formats`.

    Args:
        data: The file.
        subject: What to call it in messages.
        lenient: As for `anchorhold.x509.lenient_certificates.load_lenient`.

    Raises:
        CertificateInvalidError: It contains no certificate, or one that cannot be read.
    """
    try:
        found = blocks(data)
        ders = [der for block in found for der in certificates_in(block)]
    except (FileError, BerError) as error:
        raise _unreadable(subject, str(error)) from error
    if not ders:
        what = found[0].kind if found[0].kind != PKCS7 else "PKCS#7 without any certificate"
        raise CertificateInvalidError(f"{subject}: is {what}, not a certificate", hint="give the certificate")
    if len(ders) > _MAX_CERTIFICATES:
        raise _unreadable(subject, f"it holds more than {_MAX_CERTIFICATES}")
    return tuple(_loaded(der, subject, forgiving=lenient) for der in ders)


def select_certificate(certificates: Sequence[x509.Certificate], key: bytes | None = None) -> x509.Certificate:
    """The certificate that is meant among those of a file.

    Args:
        certificates: At least one.
        key: DER SubjectPublicKeyInfo that it should have, if that is known.
    """
    if key is not None:
        mine = [each for each in certificates if _info(each) == key]
        certificates = mine or certificates
    issuers = {each.issuer for each in certificates if each.issuer != each.subject}
    return next((each for each in certificates if each.subject not in issuers), certificates[0])


def _info(certificate: x509.Certificate) -> bytes | None:
    try:
        return spki(certificate.public_key())  # type: ignore[arg-type]  # of whatever type, only its octets are compared
    except (ValueError, UnsupportedAlgorithm):
        return None


def _loaded(der: bytes, subject: str, *, forgiving: bool) -> x509.Certificate:
    with guard_parser(lambda cause: _unreadable(subject, cause)):
        return parse_eagerly(load_lenient(der, forgiving=forgiving))


def _unreadable(subject: str, cause: str) -> CertificateInvalidError:
    return CertificateInvalidError(
        f"{subject}: cannot be read as a certificate ({cause})", hint="give one as PEM, DER or PKCS#7"
    )


def is_pkcs12(data: bytes) -> bool:
    """Whether it looks like PKCS#12: a SEQUENCE whose first member is the INTEGER 3 (RFC 7292, section 4)."""
    length = data[1] if len(data) > 1 else 0
    header = 2 + (length & 0x7F if length & 0x80 else 0)
    return data[:1] == b"\x30" and data[header : header + 3] == b"\x02\x01\x03"


def load_pkcs12(data: bytes, password: Secret | None, subject: str) -> tuple[PrivateKey, x509.Certificate]:
    """The key and its certificate in a PKCS#12 file (RFC 7292), which may be BER (section 4.1).

    Raises:
        SecretMissingError, SecretWrongError: It is encrypted, and the password is missing or does not open it.
        KeyUnsupportedError: The key is of a type that anchorhold does not use.
        CertificateInvalidError: It is cut short, asks for absurd work, or lacks the key or the certificate.
    """
    try:
        der = to_der(read_one(data))
        check_kdf_cost(data)
    except BerError as error:
        raise CertificateInvalidError(f"{subject}: the PKCS#12 file {error}", hint="copy it again") from error
    with guard_parser(lambda cause: _unopened(subject, password, cause)):
        key, certificate, _ = pkcs12.load_key_and_certificates(der, password.reveal_bytes() if password else None)
    if key is None or certificate is None:
        raise CertificateInvalidError(f"{subject}: lacks the key or the certificate", hint="give a complete file")
    spec_of(key.public_key())
    return cast("PrivateKey", key), _loaded(certificate.public_bytes(Encoding.DER), subject, forgiving=False)


def _unopened(subject: str, password: Secret | None, cause: str) -> AnchorholdError:
    """Wrong passwords are told by the MAC; what is said of anything else is what the library says."""
    if not _PASSWORD.search(cause):
        return CertificateInvalidError(
            f"{subject}: the PKCS#12 file cannot be read ({cause})",
            hint="take the key and the certificate out of it with `openssl pkcs12`, and give both",
        )
    if password is None:
        return SecretMissingError(f"{subject}: is protected by a password", hint="give it")
    return SecretWrongError(
        f"{subject}: the password is wrong, or the file is damaged", hint="give the one it was encrypted with"
    )


def is_pss_only(certificate: x509.Certificate) -> bool:
    """Whether it says that its RSA key makes RSASSA-PSS signatures only (RFC 4055, section 1.2)."""
    return certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS
