"""OCSP responses in DER (RFC 6960, section 4.2), put together from parts that are encoded once.

``cryptography``'s builder takes twice as long to encode a response as a P-256 key takes to sign it; here that is a
fifth.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import new as new_hash
from hashlib import sha1
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.x509.crl_entries import REASONS
from anchorhold.x509.der import tlv
from anchorhold.x509.lenient_certificates import key_bits, public_key_info, subject_octets
from anchorhold.x509.ocsp_requests import NONCE
from anchorhold.x509.to_be_signed import signature_algorithm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey
    from anchorhold.x509.ocsp_requests import CertID

_BITS, _OCTETS, _ENUMERATED, _TIME, _SEQUENCE = 0x03, 0x04, 0x0A, 0x18, 0x30
_CONTEXT: Final = 0xA0
"""Tag of a constructed, context-specific value; its number is added."""
_REVOKED: Final = 0xA1
_GOOD: Final = b"\x80\x00"
_UNKNOWN: Final = b"\x82\x00"
_BASIC: Final = bytes.fromhex("06092b0601050507300101")  # id-pkix-ocsp-basic
_EXTENDED_REVOKE: Final = bytes.fromhex("06092b0601050507300109")  # id-pkix-ocsp-extended-revoke
HASHES: Final = ("sha1", "sha256", "sha384", "sha512")
"""Hash algorithms of a CertID, as ``hashlib`` has them."""


def issuer_hashes(issuer: x509.Certificate) -> Iterator[tuple[str, bytes, bytes]]:
    """For each of `HASHES` its name, the hash of an issuer's name and that of its key's bits (section 4.1.1)."""
    name, key = subject_octets(issuer), key_bits(public_key_info(issuer))  # their octets, for others hash these
    for algorithm in HASHES:
        yield algorithm, _digest(algorithm, name), _digest(algorithm, key)


def _digest(algorithm: str, data: bytes) -> bytes:
    return new_hash(algorithm, data, usedforsecurity=False).digest()


class OCSPResponseStatus(IntEnum):
    """Why there is no response (section 4.2.1)."""

    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    UNAUTHORIZED = 6


ERROR_RESPONSES: Final = {status: tlv(_SEQUENCE, tlv(_ENUMERATED, bytes([status]))) for status in OCSPResponseStatus}
"""The whole OCSPResponse of each error; it is not signed."""


@dataclass(frozen=True, slots=True)
class CertStatus:
    """The status of a certificate (CertStatus, section 4.2.1).

    Attributes:
        issued: Whether its issuer has issued it.
        revoked_at: Since when it is revoked, UTC; None if it is not.
        reason: Why (RFC 5280, section 5.3.1).
    """

    issued: bool
    revoked_at: dt.datetime | None = None
    reason: str = "unspecified"

    @property
    def word(self) -> str:
        """``good``, ``revoked`` or ``unknown``."""
        if self.revoked_at is not None:
            return "revoked"
        return "good" if self.issued else "unknown"


NEVER_ISSUED: Final = CertStatus(False, dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "certificateHold")
"""Revoked, as section 2.2 prescribes it for a certificate that was never issued."""


class SingleResponse(NamedTuple):  # made in a third of the time of a frozen dataclass, for each response
    """The status of one certificate (SingleResponse, section 4.2.1).

    Attributes:
        cert_id: The certificate, as the request names it.
        cert_status: Its status.
        this_update: Since when that is known to be right, UTC.
        next_update: Until when it is good, UTC.
    """

    cert_id: CertID
    cert_status: CertStatus
    this_update: dt.datetime
    next_update: dt.datetime


@dataclass(frozen=True, slots=True)
class BasicOCSPResponse:
    """Encodes the responses of one responder (BasicOCSPResponse, section 4.2.1).

    Attributes:
        responder_id: ResponderID by key, in DER.
        signature_algorithm: AlgorithmIdentifier of its signatures, in DER.
        certs: The certificates that go with each response, the last member of BasicOCSPResponse, in DER.
    """

    responder_id: bytes
    signature_algorithm: bytes
    certs: bytes

    @classmethod
    def of(cls, certificate: x509.Certificate, public_key: PublicKey, algorithm: Algorithm) -> BasicOCSPResponse:
        """What is the same in all responses of a responder.

        Args:
            certificate: The responder's.
            public_key: Its public key.
            algorithm: How it signs.
        """
        key_hash = sha1(key_bits(public_key_info(certificate)), usedforsecurity=False).digest()
        return cls(
            responder_id=tlv(_CONTEXT + 2, tlv(_OCTETS, key_hash)),
            signature_algorithm=signature_algorithm(public_key, algorithm),
            certs=tlv(_CONTEXT, tlv(_SEQUENCE, certificate.public_bytes(Encoding.DER))),
        )

    def response_data(self, single: SingleResponse, produced_at: dt.datetime, nonce: bytes | None) -> bytes:
        """What is signed (ResponseData), in DER.

        Args:
            single: The status of the certificate.
            produced_at: When it is signed, UTC (section 2.4).
            nonce: The value of that extension of the request; None without one.
        """
        cert_id, status, this_update, next_update = single
        times = _time(this_update) + tlv(_CONTEXT, _time(next_update))
        responses = tlv(_SEQUENCE, tlv(_SEQUENCE, cert_id.der + _status(status) + times))
        extensions = _extensions(nonce, extended_revoke=status is NEVER_ISSUED)
        return tlv(_SEQUENCE, self.responder_id + _time(produced_at) + responses + extensions)

    def assemble(self, response_data: bytes, signature: bytes) -> bytes:
        """The whole OCSPResponse, in DER.

        Args:
            response_data: The ResponseData, in DER.
            signature: Over it, in the form X.509 has it.
        """
        signed = response_data + self.signature_algorithm + tlv(_BITS, b"\x00" + signature) + self.certs
        response_bytes = tlv(_SEQUENCE, _BASIC + tlv(_OCTETS, tlv(_SEQUENCE, signed)))
        return tlv(_SEQUENCE, _SUCCESSFUL + tlv(_CONTEXT, response_bytes))


_SUCCESSFUL: Final = tlv(_ENUMERATED, b"\x00")


def _status(status: CertStatus) -> bytes:
    if status.revoked_at is None:
        return _GOOD if status.issued else _UNKNOWN
    code = REASONS[status.reason]
    reason = tlv(_CONTEXT, tlv(_ENUMERATED, bytes([code]))) if code else b""
    return tlv(_REVOKED, _time(status.revoked_at) + reason)


@lru_cache(256)  # many responses are made within one second
def _time(moment: dt.datetime) -> bytes:
    return tlv(_TIME, f"{moment:%Y%m%d%H%M%SZ}".encode())


def _extensions(nonce: bytes | None, *, extended_revoke: bool) -> bytes:
    found = b""
    if nonce is not None:
        found += tlv(_SEQUENCE, NONCE + tlv(_OCTETS, nonce))
    if extended_revoke:
        found += tlv(_SEQUENCE, _EXTENDED_REVOKE + tlv(_OCTETS, b"\x05\x00"))
    return tlv(_CONTEXT + 1, tlv(_SEQUENCE, found)) if found else b""
