"""Certificates and keys as files have them: PEM, DER, PKCS#12."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import PublicKeyAlgorithmOID

from anchorhold.errors import CertificateInvalidError, SecretMissingError, SecretWrongError
from anchorhold.x509.der import members, span

_VERSION: Final = 0xA0
_SUBJECT: Final = 6
_PUBLIC_KEY: Final = 7
"""Members of a TBSCertificate up to that one (RFC 5280, section 4.1)."""

if TYPE_CHECKING:
    from anchorhold.secret import Secret
    from anchorhold.softkeys import PrivateKey


def load_certificate(data: bytes, subject: str = "certificate") -> x509.Certificate:
    """Read a certificate; of several in one PEM file, the first.

    Raises:
        CertificateInvalidError: It cannot be read.
    """
    load = x509.load_pem_x509_certificate if b"-----BEGIN" in data else x509.load_der_x509_certificate
    try:
        certificate = load(data)
        _ = certificate.subject, certificate.issuer, certificate.extensions  # parsed when first asked for
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise CertificateInvalidError(
            f"{subject}: not a certificate that can be read", hint="give one as PEM or DER"
        ) from error
    return certificate


def is_pkcs12(data: bytes) -> bool:
    """Whether it looks like PKCS#12: a SEQUENCE whose first member is the INTEGER 3 (RFC 7292, section 4)."""
    header = 2 + (data[1] & 0x7F if len(data) > 1 and data[1] & 0x80 else 0)
    return data[:1] == b"\x30" and data[header : header + 3] == b"\x02\x01\x03"


def load_pkcs12(data: bytes, password: Secret | None, subject: str) -> tuple[PrivateKey, x509.Certificate]:
    """The key and its certificate in a PKCS#12 file (RFC 7292).

    Raises:
        SecretMissingError, SecretWrongError: It is encrypted, and the password is missing or does not open it.
        CertificateInvalidError: It is cut short, or lacks the key or the certificate.
    """
    try:
        asn1.decode_der(asn1.TLV, data)
    except ValueError as error:
        raise CertificateInvalidError(f"{subject}: the PKCS#12 file is cut short", hint="copy it again") from error
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(data, password.reveal_bytes() if password else None)
    except ValueError:
        if password is None:
            raise SecretMissingError(f"{subject}: is encrypted", hint="give its password") from None
        raise SecretWrongError(f"{subject}: the password is wrong", hint="give the one it was encrypted with") from None
    if key is None or certificate is None:
        raise CertificateInvalidError(f"{subject}: lacks the key or the certificate", hint="give a complete file")
    return key, certificate  # type: ignore[return-value]  # the type of the key is checked where it is used


def is_pss_only(certificate: x509.Certificate) -> bool:
    """Whether it says that its RSA key makes RSASSA-PSS signatures only (RFC 4055, section 1.2)."""
    return certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS


def public_key_info(certificate: x509.Certificate) -> bytes:
    """Its SubjectPublicKeyInfo, octet by octet as it is (RFC 5280, section 4.1.2.7)."""
    tbs = certificate.tbs_certificate_bytes
    *_, begin, end = members(tbs, _member(tbs, _PUBLIC_KEY))
    return tbs[begin:end]


def subject_octets(certificate: x509.Certificate) -> bytes:
    """Its subject, octet by octet as it is, which is what those below it name as their issuer (section 7.1)."""
    tbs = certificate.tbs_certificate_bytes
    *_, begin, end = members(tbs, _member(tbs, _SUBJECT))
    return tbs[begin:end]


def _member(tbs: bytes, number: int) -> int:
    """The number of a member of a TBSCertificate, which begins with its version unless that is 1 (section 4.1)."""
    return number if tbs[span(tbs)[0]] == _VERSION else number - 1


def pem(der: bytes) -> str:
    """A DER certificate as PEM (RFC 7468)."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
