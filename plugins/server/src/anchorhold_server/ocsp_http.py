"""OCSP responses with their HTTP headers (RFC 5019, section 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from anchorhold.operations.ocsp_answers import MAX_CACHE_AGE
from anchorhold.x509.ocsp import ERROR_RESPONSES, OCSPResponseStatus
from anchorhold.x509.validity import CLOCK_TOLERANCE

if TYPE_CHECKING:
    import datetime as dt

Headers: TypeAlias = list[tuple[bytes, bytes]]

MEDIA_TYPE: Final = b"application/ocsp-response"


@dataclass(frozen=True, slots=True)
class SignedResponse:
    """A signed OCSPResponse.

    Attributes:
        der: The response.
        produced_at: When it was signed, UTC.
        this_update: When it begins, UTC.
        next_update: Until when it is good, UTC.
    """

    der: bytes
    produced_at: dt.datetime
    this_update: dt.datetime
    next_update: dt.datetime


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """The response to an OCSP request, over HTTP.

    Attributes:
        outcome: For metrics: ``good``, ``revoked``, ``unknown``, or the name of an error.
        body: OCSPResponse in DER.
        headers: Of HTTP.
        etag: Entity tag, in quotes; empty if the response must not be cached.
        fresh_from: From when on it may be sent again, seconds since 1970; before, the clock was ahead when it was made.
        fresh_until: Until when it may be.
    """

    outcome: str
    body: bytes
    headers: Headers
    etag: bytes = b""
    fresh_from: float = 0.0
    fresh_until: float = 0.0

    @property
    def is_cacheable(self) -> bool:
        """Whether it may be sent again."""
        return bool(self.etag)

    def is_fresh(self, moment: float) -> bool:
        """Whether it is sent again at a moment (seconds since 1970) instead of a new one."""
        return self.fresh_from <= moment < self.fresh_until


def http_date(moment: dt.datetime) -> bytes:
    """A moment in UTC as HTTP writes it."""
    return format_datetime(moment, usegmt=True).encode()


def caching_headers(etag: bytes, modified: dt.datetime, expires: dt.datetime, seconds: int) -> Headers:
    """The headers that let HTTP caches keep a response.

    Args:
        etag: Entity tag, in quotes.
        modified: When the content begins, UTC.
        expires: When it ends, UTC.
        seconds: How long it may be kept.
    """
    return [
        (b"cache-control", b"max-age=%d, public, no-transform, must-revalidate" % seconds),
        (b"etag", etag),
        (b"last-modified", http_date(modified)),
        (b"expires", http_date(expires)),
    ]


def signed_response(signed: SignedResponse, word: str, *, cacheable: bool) -> OcspResponse:
    """A signed response with its HTTP headers.

    Args:
        signed: The response; HTTP is told its thisUpdate as Last-Modified (RFC 5019, section 6.2).
        word: The status in it.
        cacheable: Whether it may be cached: it has no nonce, and the status will not change by itself.
    """
    body = signed.der
    headers = _plain_headers(body)
    if not cacheable:
        return OcspResponse(word, body, [*headers, (b"cache-control", b"no-store")])
    half = (signed.next_update - signed.produced_at).total_seconds() / 2
    produced = signed.produced_at.timestamp()
    etag = b'"%s"' % sha256(body).hexdigest().encode()
    headers += caching_headers(etag, signed.this_update, signed.next_update, min(MAX_CACHE_AGE, int(half)))
    return OcspResponse(word, body, headers, etag, produced - CLOCK_TOLERANCE.total_seconds(), produced + half)


def error_response(status: OCSPResponseStatus) -> OcspResponse:
    """The response that says why there is no status."""
    return _ERROR_RESPONSES[status]


def _plain_headers(body: bytes) -> Headers:
    return [(b"content-type", MEDIA_TYPE), (b"content-length", b"%d" % len(body))]


_ERROR_RESPONSES: Final = {
    status: OcspResponse(status.name.lower(), body, [*_plain_headers(body), (b"cache-control", b"no-store")])
    for status, body in ERROR_RESPONSES.items()
}
