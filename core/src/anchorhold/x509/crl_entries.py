"""Entries of certificate revocation lists (RFC 5280, section 5.1.2.6), encoded once, when a certificate is revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import InputError
from anchorhold.suggestions import suggestion
from anchorhold.x509.der import tlv
from anchorhold.x509.serials import octets_of

if TYPE_CHECKING:
    import datetime as dt

REASONS: Final = {
    "unspecified": 0,
    "keyCompromise": 1,
    "cACompromise": 2,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
    "certificateHold": 6,
    "privilegeWithdrawn": 9,
    "aACompromise": 10,
}
"""Reason codes (section 5.3.1); ``removeFromCRL`` is for delta CRLs, which are not made here."""
HOLD: Final = "certificateHold"

_SPELLINGS: Final = {name.lower(): name for name in REASONS}
_REASON_CODE: Final = bytes.fromhex("0603551d15")  # id-ce-cRLReasons
_INVALIDITY_DATE: Final = bytes.fromhex("0603551d18")  # id-ce-invalidityDate
_SEQUENCE, _INTEGER, _OCTETS, _ENUMERATED, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x02, 0x04, 0x0A, 0x17, 0x18


def parse_reason(text: str) -> str:
    """A reason in its standard spelling; case, hyphens and underscores do not matter.

    Raises:
        InputError: It is not a reason of RFC 5280, section 5.3.1.
    """
    found = _SPELLINGS.get(text.replace("-", "").replace("_", "").lower())
    if found is None:
        raise InputError(f"reason {text!r}: is not known", hint=suggestion(text, REASONS))
    return found


def crl_entry(serial: int, revoked_at: dt.datetime, reason: str, invalidity: dt.datetime | None) -> bytes:
    """One member of revokedCertificates, in DER.

    Args:
        serial: Of the certificate, whatever its size and sign.
        revoked_at: UTC.
        reason: One of `REASONS`; ``unspecified`` is left out, as it should be.
        invalidity: Since when the key may not have been trustworthy, UTC; None if that is not known.
    """
    extensions = b""
    if REASONS[reason]:
        code = tlv(_ENUMERATED, bytes([REASONS[reason]]))
        extensions += tlv(_SEQUENCE, _REASON_CODE + tlv(_OCTETS, code))
    if invalidity is not None:
        extensions += tlv(_SEQUENCE, _INVALIDITY_DATE + tlv(_OCTETS, _generalized(invalidity)))
    content = tlv(_INTEGER, serial.to_bytes(octets_of(serial), signed=True)) + encoded_time(revoked_at)
    return tlv(_SEQUENCE, content + (tlv(_SEQUENCE, extensions) if extensions else b""))


def encoded_time(moment: dt.datetime) -> bytes:
    """Time: UTCTime through 2049, GeneralizedTime later (section 5.1.2.4)."""
    if moment.year < 2050:  # the year of the RFC
        return tlv(_UTC_TIME, f"{moment:%y%m%d%H%M%SZ}".encode())
    return _generalized(moment)


def _generalized(moment: dt.datetime) -> bytes:
    return tlv(_GENERALIZED_TIME, f"{moment.year:04}{moment:%m%d%H%M%SZ}".encode())  # %Y has no zeros before 999
