"""Answers as they are sent: an OCSP response with its HTTP headers (RFC 5019, section 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from anchorhold.x509.validity import AHEAD
from anchorhold_server.encoding import ERRORS, ErrorStatus

if TYPE_CHECKING:
    import datetime as dt

Headers: TypeAlias = list[tuple[bytes, bytes]]

MEDIA_TYPE: Final = b"application/ocsp-response"
LONGEST_CACHING: Final = 3600
"""Seconds for which HTTP caches may keep something: how much later a revocation may reach those behind one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to an OCSP request.

    Attributes:
        outcome: For counting: ``good``, ``revoked``, ``unknown``, or the name of an error.
        body: OCSPResponse in DER.
        headers: Of HTTP.
        etag: Names the body, in quotes; empty where it must not be cached.
        fresh_from: Since when it is sent again, seconds since 1970; one that was made while the clock was ahead is not.
        fresh_until: Until when it is.
    """

    outcome: str
    body: bytes
    headers: Headers
    etag: bytes = b""
    fresh_from: float = 0.0
    fresh_until: float = 0.0

    def is_fresh(self, moment: float) -> bool:
        """Whether it is sent again at a moment (seconds since 1970) instead of a new one."""
        return self.fresh_from <= moment < self.fresh_until


def http_date(moment: dt.datetime) -> bytes:
    """A moment in UTC as HTTP writes it."""
    return format_datetime(moment, usegmt=True).encode()


def caching_headers(etag: bytes, modified: dt.datetime, expires: dt.datetime, seconds: int) -> Headers:
    """What lets HTTP caches keep something.

    Args:
        etag: Names it, in quotes.
        modified: When it begins, UTC.
        expires: When it runs out, UTC.
        seconds: How long it may be kept.
    """
    return [
        (b"cache-control", b"max-age=%d, public, no-transform, must-revalidate" % seconds),
        (b"etag", etag),
        (b"last-modified", http_date(modified)),
        (b"expires", http_date(expires)),
    ]


def signed_answer(
    body: bytes,
    produced_at: dt.datetime,
    this_update: dt.datetime,
    next_update: dt.datetime,
    word: str,
    *,
    lasting: bool,
) -> Answer:
    """A signed response as it is sent.

    Args:
        body: In DER.
        produced_at: When it was made, UTC.
        this_update: When it begins, UTC; HTTP is told that as Last-Modified (RFC 5019, section 6.2).
        next_update: Until when it is good, UTC.
        word: Its status.
        lasting: Whether it may be cached: it has no nonce, and what it says will not change by itself.
    """
    headers = _plain_headers(body)
    if not lasting:
        return Answer(word, body, [*headers, (b"cache-control", b"no-store")])
    half, made = (next_update - produced_at).total_seconds() / 2, produced_at.timestamp()
    etag = b'"%s"' % sha256(body).hexdigest().encode()
    headers += caching_headers(etag, this_update, next_update, min(LONGEST_CACHING, int(half)))
    return Answer(word, body, headers, etag, made - AHEAD.total_seconds(), made + half)


def error_answer(status: ErrorStatus) -> Answer:
    """An answer that says why there is none."""
    return _ERROR_ANSWERS[status]


def _plain_headers(body: bytes) -> Headers:
    return [(b"content-type", MEDIA_TYPE), (b"content-length", b"%d" % len(body))]


_ERROR_ANSWERS: Final = {
    status: Answer(status.name.lower(), body, [*_plain_headers(body), (b"cache-control", b"no-store")])
    for status, body in ERRORS.items()
}
