"""Reading OCSP requests (RFC 6960, section 4.1) that anybody may have sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import ocsp

LONGEST_SERIAL: Final = 20
"""Octets of a serial number (RFC 5280, section 4.1.2.2)."""
LONGEST_NONCE: Final = 128
"""Octets of a nonce (RFC 9654, section 2.1)."""


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
    """

    hash: str
    issuer_name: bytes
    issuer_key: bytes
    serial: int


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked.

    Attributes:
        certificate: About which certificate.
        nonce: To be repeated in the answer; None if there is none.
    """

    certificate: CertificateId
    nonce: bytes | None


def parse_query(der: bytes) -> Query:
    """Read a request; one that is signed is read like any other.

    Raises:
        MalformedRequestError: It is no DER, asks for more than one certificate (RFC 5019, section 2.1.1), or has a
            serial number or a nonce of a length that cannot be.
        UnknownHashError: Of the certificate's name.
    """
    try:
        request = ocsp.load_der_ocsp_request(der)
        serial, name, key = request.serial_number, request.issuer_name_hash, request.issuer_key_hash
        extensions = request.extensions
    except (ValueError, TypeError, NotImplementedError, x509.DuplicateExtension, UnsupportedAlgorithm) as error:
        raise MalformedRequestError from error
    if (serial if serial >= 0 else ~serial).bit_length() >= LONGEST_SERIAL * 8:
        raise MalformedRequestError
    try:
        hash_name = request.hash_algorithm.name
    except UnsupportedAlgorithm as error:
        raise UnknownHashError from error
    return Query(CertificateId(hash_name, name, key, serial), _nonce(extensions))


def _nonce(extensions: x509.Extensions) -> bytes | None:
    nonce: bytes | None = None
    for extension in extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            nonce = extension.value.nonce
            if not 1 <= len(nonce) <= LONGEST_NONCE:
                raise MalformedRequestError
        elif extension.critical and not isinstance(extension.value, x509.OCSPAcceptableResponses):
            raise MalformedRequestError  # what it demands is not known here (RFC 6960, section 4.4)
    return nonce
