"""Timeouts for connections whose client reads nothing: the kernel ends them, for granian would wait without end.

The application cannot abandon a response that is being sent: granian notices that only when the client reads again. And
it is not told at all of responses that fit into the buffer.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

OPTION: Final = getattr(socket, "TCP_USER_TIMEOUT", None)
"""None where the system does not offer it; only Linux does."""
LISTINGS: Final = (Path("/dev/fd"), Path("/proc/self/fd"))
"""Folders that list the descriptors of this process, where they are."""
MAX_DESCRIPTORS: Final = 1 << 16
"""Descriptors that are looked at one by one, where nothing lists them."""
FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


def limit_stalled_connections(seconds: float) -> bool:
    """Let the kernel end connections to this process whose client reads nothing.

    A connection inherits the timeout from the listening socket. Those that came before are given it afterwards.

    Args:
        seconds: For which nothing at all is read.

    Returns:
        Whether it is done; False while nothing listens yet.
    """
    if OPTION is None:
        return True
    listening = [number for number in _sockets() if _with(number, _listens)]
    ports = {_with(number, _port) for number in listening}
    for number in (*listening, *_sockets()):
        if _with(number, _port) in ports:
            _with(number, lambda own: own.setsockopt(socket.IPPROTO_TCP, OPTION, int(seconds * 1000)))
    return bool(listening)


def _sockets() -> list[int]:
    """The descriptors of sockets that this process has.

    They are only looked at: closing any descriptor of a file, even a copy, drops all locks that
    this process has on that file (POSIX, fcntl), and the ledger and what token libraries keep are locked that way.
    """
    return [number for number in _numbers() if _is_socket(number)]


def _numbers() -> Iterable[int]:
    """The numbers that descriptors may have; all that there can be where no folder lists them, as in a bare chroot."""
    for folder in LISTINGS:
        try:
            return [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()]
        except OSError:
            continue
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return range(MAX_DESCRIPTORS if soft in (resource.RLIM_INFINITY, -1) else min(soft, MAX_DESCRIPTORS))


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:  # closed meanwhile, as the one with which the folder was read
        return False


def _with(number: int, use: Callable[[socket.socket], T]) -> T | None:
    """Use a TCP socket by its own descriptor, which stays open; None if it is none, or was closed meanwhile."""
    try:
        own = socket.socket(fileno=number)
    except OSError:
        return None
    try:
        return use(own) if own.family in FAMILIES and own.type == socket.SOCK_STREAM else None
    except OSError:
        return None
    finally:
        own.detach()


def _listens(own: socket.socket) -> bool:
    return bool(own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _port(own: socket.socket) -> int:
    port: int = own.getsockname()[1]
    return port
