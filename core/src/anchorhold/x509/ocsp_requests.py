"""Reading OCSP requests (RFC 6960, section 4.1) from untrusted clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import ocsp

from anchorhold.x509.der import SEQUENCE, span, values
from anchorhold.x509.serials import is_too_long

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NONCE: Final = 128
"""Octets of a nonce (RFC 9654, section 2.1)."""
NONCE: Final = bytes.fromhex("06092b0601050507300102")
"""id-pkix-ocsp-nonce in DER."""
_ACCEPTABLE_RESPONSES: Final = bytes.fromhex("06092b0601050507300104")  # id-pkix-ocsp-response
_EXTENSIONS: Final = 0xA2
_TRUE: Final = b"\x01\x01\xff"


class MalformedRequestError(Exception):
    """The octets are no OCSPRequest, or one of a kind that is not answered."""


class UnknownHashError(Exception):
    """The CertID has a hash algorithm that is not known."""


@dataclass(frozen=True, slots=True)
class CertID:
    """A certificate as a request names it (CertID, section 4.1.1).

    Attributes:
        hash_algorithm: Its name, as ``cryptography`` has it: ``sha1``, ``sha256`` …
        issuer_name_hash: Hash of the issuer's distinguished name.
        issuer_key_hash: Hash of the issuer's public key.
        serial_number: Of the certificate.
        der: The CertID as it came, which the response repeats: with or without parameters of the hash algorithm.
    """

    hash_algorithm: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int
    der: bytes


@dataclass(frozen=True, slots=True)
class OCSPRequest:
    """A request for the status of one certificate (OCSPRequest, section 4.1.1).

    Attributes:
        cert_id: The certificate.
        nonce: The value of that extension, to be repeated in the response as it came; None if there is none.
    """

    cert_id: CertID
    nonce: bytes | None


def load_ocsp_request(der: bytes) -> OCSPRequest:
    """Read a request in DER; the signature of a signed one is ignored.

    Raises:
        MalformedRequestError: It is not DER, asks for more than one certificate (RFC 5019, section 2.1.1), has a serial
            number or a nonce of an impossible length, or an unknown critical extension.
        UnknownHashError: The hash algorithm of the CertID is not known.
    """
    try:
        request = ocsp.load_der_ocsp_request(der)
        serial, name, key = request.serial_number, request.issuer_name_hash, request.issuer_key_hash
    except (ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm) as error:
        raise MalformedRequestError from error
    if is_too_long(serial):
        raise MalformedRequestError
    members = _members(der)
    _understood(members.single_request_extensions, ())
    nonce = _nonce(members.request_extensions)
    try:
        hash_name = request.hash_algorithm.name
    except UnsupportedAlgorithm as error:
        raise UnknownHashError from error
    return OCSPRequest(CertID(hash_name, name, key, serial, members.cert_id), nonce)


@dataclass(frozen=True, slots=True)
class _Members:
    """The parts of a request that ``cryptography`` does not give as octets.

    Attributes:
        cert_id: CertID, in DER.
        request_extensions: Each in DER.
        single_request_extensions: Each in DER.
    """

    cert_id: bytes
    request_extensions: tuple[bytes, ...]
    single_request_extensions: tuple[bytes, ...]


def _members(der: bytes) -> _Members:
    """The same octets that were parsed, taken apart (section 4.1.1); version and requestorName are skipped."""
    cert_id = b""
    extensions: tuple[bytes, ...] = ()
    single: tuple[bytes, ...] = ()
    for member in values(values(der)[0]):
        if member[0] == SEQUENCE:
            cert_id, *more = values(values(member)[0])
            single = values(values(more[0])[0]) if more else ()
        elif member[0] == _EXTENSIONS:
            extensions = values(values(member)[0])
    return _Members(cert_id, extensions, single)


def _nonce(extensions: Iterable[bytes]) -> bytes | None:
    """The value of the nonce extension; some clients leave out the OCTET STRING around its octets."""
    nonce = _understood(extensions, (NONCE, _ACCEPTABLE_RESPONSES)).get(NONCE)
    if nonce is not None and not 1 <= _length(nonce) <= MAX_NONCE:
        raise MalformedRequestError
    return nonce


def _understood(extensions: Iterable[bytes], known: tuple[bytes, ...]) -> dict[bytes, bytes]:
    """Values of extensions by their identifiers; unknown ones are ignored unless they are critical (section 4.4)."""
    found: dict[bytes, bytes] = {}
    for extension in extensions:
        oid, *critical, value = values(extension)
        if oid in found:
            raise MalformedRequestError  # RFC 5280, section 4.2
        begin, end = span(value)
        found[oid] = value[begin:end]
        if critical and critical[0] == _TRUE and oid not in known:
            raise MalformedRequestError  # what it demands is not known here, and no other error says so
    return found


def _length(value: bytes) -> int:
    """Octets of a nonce, in an OCTET STRING or bare."""
    if value[:1] == b"\x04" and len(value) > 1 and value[1] < 0x80 and value[1] == len(value) - 2:
        return value[1]
    if value[:2] == b"\x04\x81" and len(value) > 2 and value[2] == len(value) - 3:
        return value[2]
    return len(value)
