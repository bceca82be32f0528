"""The parts of ASGI that are used here: types, bodies of bounded size, and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from anchorhold_server.messages import Headers

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyError(Exception):
    """A body that is not taken.

    Args:
        status: What HTTP says to it; 0 if nobody is there any more to be told.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that name, in lower case; None if there is none."""
    for known, value in scope["headers"]:
        if known == name:
            return bytes(value)
    return None


async def read_body(scope: Scope, receive: Receive, longest: int, seconds: float) -> bytes:
    """The body of a request.

    Args:
        scope: Of the request.
        receive: The same.
        longest: Octets.
        seconds: Within which it must have arrived.

    Raises:
        BodyError: It is longer, or did not arrive in time.
    """
    announced = header(scope, b"content-length")
    if announced is not None and (not announced.isdigit() or int(announced) > longest):
        raise BodyError(413)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(receive, longest)
    except TimeoutError:
        raise BodyError(408) from None


async def _collect(receive: Receive, longest: int) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BodyError(0)
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > longest:
            raise BodyError(413)
        if not message.get("more_body"):
            return body


async def respond(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
