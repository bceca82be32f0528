"""What granian alone serves: a fixed body of the size of an OCSP response."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY = Path(os.environ["OCSP_BODY"]).read_bytes() if "OCSP_BODY" in os.environ else b""
HEADERS = [(b"content-type", b"application/ocsp-response"), (b"content-length", b"%d" % len(BODY))]


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """The same answer to everything."""
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
