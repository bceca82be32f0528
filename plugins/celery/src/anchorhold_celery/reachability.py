"""Which server cannot be reached, because exceptions of libraries do not say, or say it with a password."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS: Final = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}
_PATIENCE: Final = 1.0
"""Seconds for one connection."""


def unreached(servers: Mapping[str, str]) -> list[str]:
    """Those to which no connection can be made, each with its address.

    Args:
        servers: URLs, of which nothing but host and port is shown, by what they are called.
    """
    return [
        f"{name} at {host}:{port}"
        for name, url in servers.items()
        for host, port in [_address(url)]
        if not _listens(host, port)
    ]


def refuses(error: BaseException) -> bool:
    """Whether a Redis was reached that refuses to write: its memory or disk is full, or it is a copy of another.

    Args:
        error: Of Celery or of what it uses; it may have another as its cause.
    """
    from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, ResponseError

    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ResponseError):
            return not isinstance(found, AuthenticationError | AuthorizationError | NoPermissionError)
        found = found.__cause__ or found.__context__
    return False


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url.partition(";")[0])
        return parts.hostname or "localhost", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "an unreadable URL", 0


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), _PATIENCE).close()
    except OSError:
        return False
    return True
