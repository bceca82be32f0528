"""Reading ResponseData (RFC 6960, section 4.2.1) in the one form in which `anchorhold.x509.ocsp` writes it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from anchorhold.x509.crl_entries import REASONS
from anchorhold.x509.der import is_der, span, values
from anchorhold.x509.ocsp import NEVER_ISSUED, CertStatus, SingleResponse
from anchorhold.x509.ocsp_requests import NONCE, CertID

_GOOD, _REVOKED, _UNKNOWN = 0x80, 0xA1, 0x82
_REASONS: Final = {code: reason for reason, code in REASONS.items()}
_HASHES: Final = {
    bytes.fromhex(oid): name
    for oid, name in (
        ("06052b0e03021a", "sha1"),
        ("0609608648016503040201", "sha256"),
        ("0609608648016503040202", "sha384"),
        ("0609608648016503040203", "sha512"),
    )
}
"""Hash algorithms of a CertID, by their identifiers in DER."""
_NO_PARAMETERS: Final[tuple[list[bytes], ...]] = ([], [b"\x05\x00"])


class MalformedResponseDataError(Exception):
    """The octets are no ResponseData, or one of another form."""


@dataclass(frozen=True, slots=True)
class ResponseData:
    """What a response says.

    Attributes:
        single: The status of one certificate.
        produced_at: When it was signed, UTC.
        nonce: The value of that extension; None without one.
    """

    single: SingleResponse
    produced_at: dt.datetime
    nonce: bytes | None


def load_response_data(der: bytes) -> ResponseData:
    """Read what `anchorhold.x509.ocsp.BasicOCSPResponse.response_data` has written.

    It is lenient in details: who needs to know that nothing else is there writes it again, and compares the octets.

    Raises:
        MalformedResponseDataError: It has another form.
    """
    try:
        if not is_der(der):
            raise MalformedResponseDataError
        _, produced_at, responses, *extensions = values(der)
        (single,) = values(responses)
        cert_id, status, this_update, next_update = values(single)
        return ResponseData(
            SingleResponse(_cert_id(cert_id), _status(status), _moment(this_update), _moment(_content(next_update))),
            _moment(produced_at),
            _nonce(extensions[0]) if extensions else None,
        )
    except (IndexError, KeyError, ValueError) as error:
        raise MalformedResponseDataError from error


def _content(value: bytes) -> bytes:
    begin, end = span(value)
    return value[begin:end]


def _moment(value: bytes) -> dt.datetime:
    """GeneralizedTime (RFC 5280, section 4.1.2.5.2)."""
    return dt.datetime.strptime(_content(value).decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)


def _cert_id(der: bytes) -> CertID:
    algorithm, *rest = values(der)
    name_hash, key_hash, serial = map(_content, rest)
    oid, *parameters = values(algorithm)
    if parameters not in _NO_PARAMETERS:
        raise MalformedResponseDataError
    return CertID(_HASHES[oid], name_hash, key_hash, int.from_bytes(serial, signed=True), der)


def _status(value: bytes) -> CertStatus:
    if value[0] != _REVOKED:
        return {_GOOD: CertStatus(issued=True), _UNKNOWN: CertStatus(issued=False)}[value[0]]
    revoked_at, *reason = values(value)
    code = int.from_bytes(_content(_content(reason[0]))) if reason else 0
    found = CertStatus(issued=True, revoked_at=_moment(revoked_at), reason=_REASONS[code])
    is_never_issued = (found.revoked_at, found.reason) == (NEVER_ISSUED.revoked_at, NEVER_ISSUED.reason)
    return NEVER_ISSUED if is_never_issued else found


def _nonce(extensions: bytes) -> bytes | None:
    found = {oid: _content(value) for oid, value in map(values, values(_content(extensions)))}
    return found.get(NONCE)
