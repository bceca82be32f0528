"""Reading OCSP requests (RFC 6960, section 4.1) that anybody may have sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import ocsp

from anchorhold.x509.der import SEQUENCE, span
from anchorhold.x509.serials import is_too_long

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NONCE: Final = 128
"""Octets of a nonce (RFC 9654, section 2.1)."""


NONCE: Final = bytes.fromhex("06092b0601050507300102")
"""id-pkix-ocsp-nonce in DER."""
_ACCEPTABLE_RESPONSES: Final = bytes.fromhex("06092b0601050507300104")  # id-pkix-ocsp-response
_EXTENSIONS: Final = 0xA2
_TRUE: Final = b"\x01\x01\xff"


class MalformedRequestError(Exception):
    """The octets are no request, or one of a kind that is not answered."""


class UnknownHashError(Exception):
    """The certificate is named with a hash that is not known here."""


@dataclass(frozen=True, slots=True)
class CertificateId:
    """A certificate as a request names it (CertID).

    Attributes:
        hash: Name of the hash algorithm, as ``cryptography`` has it: ``sha1``, ``sha256`` …
        issuer_name: Hash of the issuer's distinguished name.
        issuer_key: Hash of the issuer's public key.
        serial: Serial number.
        der: All of it as it came, which is what the answer repeats: with or without parameters of the hash.
    """

    hash: str
    issuer_name: bytes
    issuer_key: bytes
    serial: int
    der: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked.

    Attributes:
        certificate: About which certificate.
        nonce: The value of its extension, to be repeated in the answer as it came; None if there is none.
    """

    certificate: CertificateId
    nonce: bytes | None


def parse_query(der: bytes) -> Query:
    """Read a request; one that is signed is read like any other.

    Raises:
        MalformedRequestError: It is no DER, asks for more than one certificate (RFC 5019, section 2.1.1), has a serial
            number or a nonce of a length that cannot be, or a critical extension that is not known.
        UnknownHashError: Of the certificate's name.
    """
    try:
        request = ocsp.load_der_ocsp_request(der)
        serial, name, key = request.serial_number, request.issuer_name_hash, request.issuer_key_hash
    except (ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm) as error:
        raise MalformedRequestError from error
    if is_too_long(serial):
        raise MalformedRequestError
    members = _members(der)
    _understood(members.single, ())
    nonce = _nonce(members.extensions)
    try:
        hash_name = request.hash_algorithm.name
    except UnsupportedAlgorithm as error:
        raise UnknownHashError from error
    return Query(CertificateId(hash_name, name, key, serial, members.certificate), nonce)


@dataclass(frozen=True, slots=True)
class _Members:
    """What is repeated of a request, and what is looked into.

    Attributes:
        certificate: CertID, in DER.
        extensions: Of the request, each in DER.
        single: Of the certificate that it asks for, each in DER.
    """

    certificate: bytes
    extensions: tuple[bytes, ...]
    single: tuple[bytes, ...]


def _members(der: bytes) -> _Members:
    """The same octets that were parsed, taken apart (section 4.1.1); versions and names of who asks are skipped."""
    certificate = b""
    extensions: tuple[bytes, ...] = ()
    single: tuple[bytes, ...] = ()
    for member in _values(_values(der)[0]):
        if member[0] == SEQUENCE:
            certificate, *more = _values(_values(member)[0])
            single = _values(_values(more[0])[0]) if more else ()
        elif member[0] == _EXTENSIONS:
            extensions = _values(_values(member)[0])
    return _Members(certificate, extensions, single)


def _values(constructed: bytes) -> tuple[bytes, ...]:
    """The values in one that is well made."""
    at, end = span(constructed)
    found = []
    while at < end:
        after = span(constructed, at)[1]
        found.append(constructed[at:after])
        at = after
    return tuple(found)


def _nonce(extensions: Iterable[bytes]) -> bytes | None:
    """The value of the nonce; some write its octets there without the OCTET STRING that they should be in."""
    nonce = _understood(extensions, (NONCE, _ACCEPTABLE_RESPONSES)).get(NONCE)
    if nonce is not None and not 1 <= _length(nonce) <= LONGEST_NONCE:
        raise MalformedRequestError
    return nonce


def _understood(extensions: Iterable[bytes], known: tuple[bytes, ...]) -> dict[bytes, bytes]:
    """Values of extensions by their identifiers; unknown ones are ignored unless they are critical (section 4.4)."""
    found: dict[bytes, bytes] = {}
    for extension in extensions:
        oid, *critical, value = _values(extension)
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
