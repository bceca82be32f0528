"""OCSP over HTTP (RFC 6960, appendix A; RFC 5019): one ASGI callable, in front of everything else."""

from __future__ import annotations

import binascii
import logging
from base64 import b64decode
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from anchorhold.x509.der import span
from anchorhold.x509.ocsp import OCSPResponseStatus
from anchorhold_server.asgi import Bodies, BodyError, has_already, header, respond
from anchorhold_server.ocsp_http import error_response

if TYPE_CHECKING:
    from anchorhold_server.asgi import Receive, Scope, Send
    from anchorhold_server.metrics import Metrics
    from anchorhold_server.ocsp_http import OcspResponse
    from anchorhold_server.ocsp_responder import OcspResponder

PATH: Final = "/ocsp"
REQUEST_TYPE: Final = b"application/ocsp-request"
READING: Final = ("GET", "HEAD")
MAX_REQUEST: Final = 4096
"""Octets of a request."""
MAX_PATH: Final = 3 * MAX_REQUEST
"""Characters of a request in a path, percent-encoded."""

_LETTERS: Final = str.maketrans({" ": "+", "-": "+", "_": "/", "\r": None, "\n": None, "\t": None})
"""What stands for letters of base 64, or for nothing."""

logger = logging.getLogger(__name__)


class OcspEndpoint:
    """OCSP over HTTP.

    Args:
        responder: Responds to requests.
        metrics: Counts them.
        request_timeout: Seconds within which a body must have arrived.
    """

    def __init__(self, responder: OcspResponder, metrics: Metrics, request_timeout: float) -> None:
        self._bodies = Bodies(MAX_REQUEST, request_timeout)
        self._responder = responder
        self._errors = metrics.errors
        self._outcome = cache(lambda outcome: metrics.tally(metrics.ocsp_responses.labels(outcome)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, of which the path begins with `PATH`."""
        method = scope["method"]
        try:
            _check_method(scope)
            if method == "POST":
                der = await self._bodies.read(scope, receive)
            else:
                der = _decoded(scope["path"][len(PATH) + 1 :])
        except BodyError as error:
            self._outcome(f"http_{error.status}").inc()
            await _refuse(send, error.status, bodiless=method == "HEAD")
            return
        response = self._responder.kept_response(der) or await self._respond(der)
        self._outcome(response.outcome).inc()
        if response.is_cacheable and method in READING and has_already(scope, response.etag):
            await respond(send, 304, response.headers[2:])  # without those of a body
            return
        await respond(send, 200, response.headers, b"" if method == "HEAD" else response.body)

    def sweep(self) -> None:
        """Give up requests that take too long; to be called about once a second."""
        self._bodies.sweep()

    async def _respond(self, der: bytes) -> OcspResponse:
        try:
            return await self._responder.respond(der)
        except Exception:
            logger.exception("defect", extra={"details": {"request": der.hex()}})
            self._errors.labels("defect").inc()
            return error_response(OCSPResponseStatus.INTERNAL_ERROR)


def _check_method(scope: Scope) -> None:
    if scope["method"] in READING:
        return
    if scope["method"] != "POST":
        raise BodyError(405)
    if (header(scope, b"content-type") or b"").split(b";")[0].strip().lower() != REQUEST_TYPE:
        raise BodyError(415)


def _decoded(text: str) -> bytes:
    """A request from its path: base 64, in all the forms in which clients send it.

    Some quote it, some do not, some do twice; it may lack its padding, have letters of base64url or line breaks, and
    slashes around it: one before it where the URL in certificates ends with one (RFC 6960, appendix A.1, adds another).
    """
    text = text.lstrip("/")
    if not text:
        raise BodyError(400)
    if len(text) > MAX_PATH:
        raise BodyError(414)
    if "%" in text:
        text = unquote(text)
    text = text.translate(_LETTERS).rstrip("=")
    text = text[: _letters_of(text)] if text.endswith("/") else text
    try:
        der = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    if len(der) > MAX_REQUEST:
        raise BodyError(414)
    return der


def _letters_of(text: str) -> int:
    """How many letters the DER needs that the text begins with: a slash may be the last of them, or behind them."""
    try:
        head = b64decode(text[:8], validate=True)
        size = span(head)[1]
    except (binascii.Error, ValueError, IndexError):
        return len(text)
    return (size * 4 + 2) // 3


async def _refuse(send: Send, status: int, *, bodiless: bool) -> None:
    body = HTTPStatus(status).phrase.encode() + b"\n"
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if status == 405:  # method not allowed
        headers.append((b"allow", b"GET, HEAD, POST"))
    if status in (400, 408, 413):
        headers.append((b"connection", b"close"))
    await respond(send, status, headers, b"" if bodiless else body)
