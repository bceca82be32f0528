"""The address that the server listens on."""

from __future__ import annotations

import socket
from contextlib import closing

from anchorhold.errors import InputError


def bind_address(host: str, port: int) -> str:
    """The address to listen on, the first that is free if a name has several; granian takes no names.

    A port that another program uses is refused: workers share theirs, and would share it with a second server.

    Args:
        host: An address, or a name.
        port: For TCP.

    Raises:
        InputError: No address can be listened on.
    """
    reason = "it has no address"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        found, reason = [], _reason(error)
    for family, kind, protocol, _, address in found:
        try:
            with closing(socket.socket(family, kind, protocol)) as asking:
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                asking.bind(address)
        except OSError as error:
            reason = _reason(error)
        else:
            return str(address[0])
    raise InputError(f"{host} port {port}: cannot be listened on ({reason})", hint="choose another host or port")


def _reason(error: OSError | UnicodeError) -> str:
    return (isinstance(error, OSError) and error.strerror) or "it is not a name"
