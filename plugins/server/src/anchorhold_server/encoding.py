"""OCSP responses in DER (RFC 6960, section 4.2), put together from parts that are encoded once.

``cryptography``'s builder takes twice as long to put an answer together as a P-256 key takes to sign it; here that is
a fifth.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.seam.bridge import bridge_key, builder_arguments
from anchorhold.x509.certificates import key_bits, public_key_info
from anchorhold.x509.der import tlv
from anchorhold.x509.revocation import REASONS
from anchorhold_server.queries import NONCE

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.publickeys import PublicKey
    from anchorhold_server.queries import CertificateId

_INTEGER, _BITS, _OCTETS, _ENUMERATED, _TIME, _SEQUENCE = 0x02, 0x03, 0x04, 0x0A, 0x18, 0x30
_CONTEXT: Final = 0xA0
"""Tag of a constructed value whose number depends on its place."""
_REVOKED: Final = 0xA1
_GOOD: Final = b"\x80\x00"
_UNKNOWN: Final = b"\x82\x00"
_BASIC: Final = bytes.fromhex("06092b0601050507300101")  # id-pkix-ocsp-basic
_EXTENDED_REVOKE: Final = bytes.fromhex("06092b0601050507300109")  # id-pkix-ocsp-extended-revoke
HASHES: Final = ("sha1", "sha256", "sha384", "sha512")
"""Hash algorithms of a CertID, as ``hashlib`` has them."""


class ErrorStatus(IntEnum):
    """Why there is no answer (section 4.2.1)."""

    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    UNAUTHORIZED = 6


ERRORS: Final = {status: tlv(_SEQUENCE, tlv(_ENUMERATED, bytes([status]))) for status in ErrorStatus}
"""Whole responses that say so; they are not signed."""


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What is known of a certificate.

    Attributes:
        known: Whether its issuer has issued it.
        revoked_at: Since when it is revoked, UTC; None if it is not.
        reason: Why (RFC 5280, section 5.3.1).
    """

    known: bool
    revoked_at: dt.datetime | None = None
    reason: str = "unspecified"

    @property
    def word(self) -> str:
        """The word of RFC 6960 for it."""
        if self.revoked_at is not None:
            return "revoked"
        return "good" if self.known else "unknown"


NEVER_ISSUED: Final = CertificateStatus(False, dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "certificateHold")
"""Revoked, as section 2.2 wants it of a certificate that was never issued."""


@dataclass(frozen=True, slots=True)
class ResponderParts:
    """What is the same in all answers of a responder.

    Attributes:
        responder_id: ResponderID by key, in DER.
        algorithm: AlgorithmIdentifier of its signatures, in DER.
        certificates: The certificates that go with each answer, as the last member of BasicOCSPResponse.
    """

    responder_id: bytes
    algorithm: bytes
    certificates: bytes


def responder_parts(certificate: x509.Certificate, public_key: PublicKey, algorithm: Algorithm) -> ResponderParts:
    """Encode what is the same in all answers of a responder with that certificate."""
    own = tlv(_SEQUENCE, certificate.public_bytes(Encoding.DER))
    key_hash = sha1(key_bits(public_key_info(certificate)), usedforsecurity=False).digest()
    return ResponderParts(
        responder_id=tlv(_CONTEXT + 2, tlv(_OCTETS, key_hash)),
        algorithm=_algorithm_identifier(public_key, algorithm),
        certificates=tlv(_CONTEXT, own),
    )


def response_data(
    parts: ResponderParts,
    certificate: CertificateId,
    status: CertificateStatus,
    this_update: dt.datetime,
    next_update: dt.datetime,
    nonce: bytes | None,
    produced_at: dt.datetime | None = None,
) -> bytes:
    """What is signed (ResponseData), in DER.

    Args:
        parts: Of the responder.
        certificate: What was asked for.
        status: The answer.
        this_update: Since when that is known to be right, UTC.
        next_update: Until when it is good, UTC.
        nonce: The value of that extension of the request.
        produced_at: When it is signed, UTC (section 2.4); None for `this_update`.
    """
    begin, until = _time(this_update), tlv(_CONTEXT, _time(next_update))
    single = tlv(_SEQUENCE, certificate.der + _status(status) + begin + until)
    made = begin if produced_at is None else _time(produced_at)
    return tlv(
        _SEQUENCE, parts.responder_id + made + tlv(_SEQUENCE, single) + _extensions(nonce, status is NEVER_ISSUED)
    )


def response(parts: ResponderParts, data: bytes, signature: bytes) -> bytes:
    """The whole response for a ResponseData and its signature, in DER."""
    basic = tlv(_SEQUENCE, data + parts.algorithm + tlv(_BITS, b"\x00" + signature) + parts.certificates)
    return tlv(_SEQUENCE, tlv(_ENUMERATED, b"\x00") + tlv(_CONTEXT, tlv(_SEQUENCE, _BASIC + tlv(_OCTETS, basic))))


@asn1.sequence
class _Request:
    """CertificationRequest."""

    info: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString


def _algorithm_identifier(public_key: PublicKey, algorithm: Algorithm) -> bytes:
    """As a builder writes it into something that is never used."""
    key = bridge_key(public_key, lambda _: b"\x00")
    unused = (
        x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, **builder_arguments(algorithm))
    )
    return asn1.encode_der(asn1.decode_der(_Request, unused.public_bytes(Encoding.DER)).algorithm)


def _status(status: CertificateStatus) -> bytes:
    if status.revoked_at is None:
        return _GOOD if status.known else _UNKNOWN
    code = REASONS[status.reason]
    reason = tlv(_CONTEXT, tlv(_ENUMERATED, bytes([code]))) if code else b""
    return tlv(_REVOKED, _time(status.revoked_at) + reason)


@lru_cache(256)  # many answers are made within one second
def _time(moment: dt.datetime) -> bytes:
    return tlv(_TIME, f"{moment:%Y%m%d%H%M%SZ}".encode())


def _extensions(nonce: bytes | None, never_issued: bool) -> bytes:
    found = b""
    if nonce is not None:
        found += tlv(_SEQUENCE, NONCE + tlv(_OCTETS, nonce))
    if never_issued:
        found += tlv(_SEQUENCE, _EXTENDED_REVOKE + tlv(_OCTETS, b"\x05\x00"))
    return tlv(_CONTEXT + 1, tlv(_SEQUENCE, found)) if found else b""
