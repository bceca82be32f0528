"""The parts of ASGI that are used here: types, bodies of bounded size, and responses."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from anchorhold_server.ocsp_http import Headers

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_ETAG: Final = re.compile(rb'(?:W/)?("[^"]*")')
"""An entity tag in a header; whether it is a weak one does not matter to If-None-Match."""


class BodyError(Exception):
    """A request body that is refused.

    Args:
        status: The HTTP status code.
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


def has_already(scope: Scope, etag: bytes) -> bool:
    """Whether the client has the response with an entity tag already (If-None-Match, RFC 9110, section 13.1.2).

    Args:
        scope: Of the request.
        etag: In quotes.
    """
    values = [value for known, value in scope["headers"] if known == b"if-none-match"]
    return any(value.strip() == b"*" or etag in _ETAG.findall(value) for value in values)


class Bodies:
    """Reads bodies of bounded size in bounded time, in one event loop.

    What takes too long is found by `sweep`: a timer for each request would cost a third of what a response does.

    Args:
        max_size: Octets.
        timeout: Seconds within which a body must have arrived; it is given up at the next sweep.
    """

    def __init__(self, max_size: int, timeout: float) -> None:
        self._max_size = max_size
        self._timeout = timeout
        self._until: dict[asyncio.Task[Any] | None, float] = {}

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request.

        Raises:
            BodyError: It is longer, did not arrive in time, or broke off, as one with a broken chunk does.
        """
        announced = header(scope, b"content-length")
        if announced is not None and (not announced.isdigit() or int(announced) > self._max_size):
            raise BodyError(413)
        task = asyncio.current_task()
        self._until[task] = time.monotonic() + self._timeout
        body: bytes = b""
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise BodyError(400)  # said to nobody if nobody is there any more; without an answer, 500 is sent
                body += message.get("body", b"")
                if len(body) > self._max_size:
                    raise BodyError(413)
                if not message.get("more_body"):
                    return body
        except asyncio.CancelledError:
            if task is None or task in self._until:
                raise  # it was not the sweep
            task.uncancel()
            raise BodyError(408) from None
        finally:
            self._until.pop(task, None)

    def sweep(self) -> None:
        """Give up what takes too long."""
        now = time.monotonic()
        for task in [task for task, until in self._until.items() if until < now]:
            del self._until[task]
            if task is not None:
                task.cancel()


async def respond(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    """Send a whole response."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
