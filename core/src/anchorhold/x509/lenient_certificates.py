"""One certificate as it is: octets that ``cryptography`` would encode otherwise, and parts that it does not read.

Old and careless programs make such certificates. One that is not read has a twin with the same names in strings that
are read, and the same dates, serial number and version in DER, of which everything is asked but octets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import Hash
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.parser_errors import attempt, is_parser_error
from anchorhold.x509.ber import OCTET_STRING, SEQUENCE, Value, read_one, sequence
from anchorhold.x509.der import members, span, tlv
from anchorhold.x509.lenient_extensions import load_extension
from anchorhold.x509.lenient_names import normalise_name, normalise_names_inside
from anchorhold.x509.lenient_values import decode_time, decode_version, normalise_integer
from anchorhold.x509.pem import pem_of
from anchorhold.x509.signatures import signature_flaw

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_VERSION: Final = 0xA0
_ISSUER: Final = 2
_VALIDITY: Final = 3
_SUBJECT: Final = 4
_PUBLIC_KEY: Final = 5
"""Members of a TBSCertificate behind its version (RFC 5280, section 4.1)."""
_EXTENSIONS: Final = 0xA3
_NAMED: Final = frozenset(f"2.5.29.{number}" for number in (17, 18, 28, 30, 31, 35, 46)) | {
    "1.3.6.1.5.5.7.1.1",
    "1.3.6.1.5.5.7.1.11",
}
"""Extensions that may have distinguished names in them."""
_FALSE: Final = b"\x01\x01\x00"
"""Often written out, although it is the default (X.690, section 11.5)."""
_SAME: Final = frozenset(
    (
        *("subject", "issuer", "serial_number", "version", "public_key", "public_key_algorithm_oid"),
        *("not_valid_before", "not_valid_after", "not_valid_before_utc", "not_valid_after_utc", "signature"),
        *("signature_hash_algorithm", "signature_algorithm_oid", "signature_algorithm_parameters"),
    )
)
"""What is asked of the twin."""


def load_lenient(der: bytes, *, forgiving: bool = False) -> x509.Certificate:
    """Read a certificate in DER, whatever its names are encoded like.

    Args:
        der: The certificate; its octets are never changed.
        forgiving: Whether extensions that cannot be read count as unknown ones, and dates, serial numbers and versions
            may be in BER: for certificates that are only shown, recorded and revoked. What an authority may do must not
            depend on it.

    Returns:
        What ``cryptography`` makes of it, or something that looks so. A part that cannot be read at all fails when it
        is asked for, see `parse_eagerly`.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        return parse_eagerly(x509.load_der_x509_certificate(der))
    except BaseException as error:
        if not is_parser_error(error):
            raise
    parsed = None
    for forgives in (False, True)[: 1 + forgiving]:
        if parsed is None:
            parsed, _ = attempt(lambda: parse_eagerly(cast("x509.Certificate", LenientCertificate(der, forgives))))  # noqa: B023
    return parsed if parsed is not None else x509.load_der_x509_certificate(der)


def parse_eagerly(certificate: x509.Certificate) -> x509.Certificate:
    """The same, once all its parts were read; ``cryptography`` reads them when they are first asked for.

    Raises:
        Exception: Whatever ``cryptography`` raises over a part.
    """
    _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.serial_number
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate


def public_key_info(certificate: x509.Certificate) -> bytes:
    """Its SubjectPublicKeyInfo, octet by octet as it is (RFC 5280, section 4.1.2.7)."""
    return _member(certificate.tbs_certificate_bytes, _PUBLIC_KEY)


def subject_octets(certificate: x509.Certificate) -> bytes:
    """Its subject, octet by octet as it is, which is what those below it name as their issuer (section 7.1)."""
    return _member(certificate.tbs_certificate_bytes, _SUBJECT)


def unusual_subject(certificate: x509.Certificate) -> bytes | None:
    """Its subject, octet by octet as it is, where ``cryptography`` would encode it otherwise; else None."""
    octets = subject_octets(certificate)
    encoded, _ = attempt(certificate.subject.public_bytes)
    return None if encoded == octets else octets


def key_bits(info: bytes) -> bytes:
    """What a key is identified by: subjectPublicKey, without its tag, length and number of unused bits.

    Args:
        info: DER SubjectPublicKeyInfo as it stands in a certificate, which may be another one than that of the key.
    """
    *_, begin, end = members(info, 2)
    return info[span(info, begin)[0] + 1 : end]


@dataclass(frozen=True)
class LenientCertificate:
    """Looks like a certificate of ``cryptography``, for one that is not read there.

    Attributes:
        der: Its octets.
        lenient: As for `load_lenient`.
    """

    der: bytes
    lenient: bool = False

    def __getattr__(self, name: str) -> Any:
        if name in _SAME:
            return getattr(self._twin, name)
        raise AttributeError(name)

    @cached_property
    def tbs_certificate_bytes(self) -> bytes:
        """What was signed, as it is."""
        return self._whole.member(0, SEQUENCE).raw

    def public_bytes(self, encoding: Encoding) -> bytes:
        """The certificate as it is, in DER or PEM."""
        return pem_of(self.der).encode() if encoding is Encoding.PEM else self.der

    def fingerprint(self, algorithm: HashAlgorithm) -> bytes:
        """The hash of its octets."""
        digest = Hash(algorithm)
        digest.update(self.der)
        return digest.finalize()

    def verify_directly_issued_by(self, issuer: x509.Certificate) -> None:
        """As that of ``cryptography``.

        Raises:
            ValueError: The names differ.
            InvalidSignature: The signature is not that of the issuer.
        """
        if self.issuer != issuer.subject:
            raise ValueError("the issuer's name differs")
        algorithm = self._whole.member(1, SEQUENCE)
        if signature_flaw(issuer.public_key(), self.tbs_certificate_bytes, self.signature, algorithm) is not None:
            raise InvalidSignature

    @cached_property
    def extensions(self) -> x509.Extensions:
        """Its extensions."""
        if not self.lenient:
            return self._twin.extensions
        *_, last = self._whole.member(0, SEQUENCE).members
        found = last.member(0, SEQUENCE).members if last.tag == _EXTENSIONS else ()
        return x509.Extensions([_normalised(each) for each in found])

    @cached_property
    def _whole(self) -> Value:
        return read_one(self.der)

    @cached_property
    def _twin(self) -> x509.Certificate:
        parts = list(self._whole.member(0, SEQUENCE).members)
        first = int(parts[0].tag == _VERSION)
        octets = [part.raw for part in parts]
        if self.lenient:
            octets[first] = normalise_integer(parts[first].integer)
            octets[first + _VALIDITY] = sequence(*map(decode_time, parts[first + _VALIDITY].members))
            octets[:first] = [decode_version(part) for part in parts[:first]]
        for number in (first + _ISSUER, first + _SUBJECT):
            octets[number] = normalise_name(parts[number])
        if parts[-1].tag == _EXTENSIONS and self.lenient:
            del octets[-1]
        elif parts[-1].tag == _EXTENSIONS:
            octets[-1] = tlv(_EXTENSIONS, sequence(*map(_extension, parts[-1].member(0, SEQUENCE).members)))
        rest = [part.raw for part in self._whole.members[1:]]
        return x509.load_der_x509_certificate(sequence(sequence(*octets), *rest))


def _extension(value: Value) -> bytes:
    """The same, with readable names in it."""
    *before, content = value.members
    octets = content.raw
    if content.tag == OCTET_STRING and value.member(0).oid.dotted_string in _NAMED:
        octets = tlv(OCTET_STRING, normalise_names_inside(read_one(content.content)))
    return sequence(*(each.raw for each in before if each.raw != _FALSE), octets)


def _normalised(value: Value) -> x509.Extension[Any]:
    found, _ = attempt(lambda: load_extension(read_one(_extension(value))))
    if found is not None:
        return found
    kind, *critical, content = value.members
    unknown = x509.UnrecognizedExtension(kind.oid, content.octets)
    return x509.Extension(kind.oid, any(each.raw != _FALSE for each in critical), unknown)


def _member(tbs: bytes, number: int) -> bytes:
    """A member of a TBSCertificate, which begins with its version unless that is 1 (section 4.1)."""
    count = number + 1 + (tbs[span(tbs)[0]] == _VERSION)
    *_, begin, end = members(tbs, count)
    return tbs[begin:end]
