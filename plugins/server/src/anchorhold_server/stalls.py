"""Connections of which the other side takes nothing: the system ends them, for granian would wait without end.

What was begun to be sent to them cannot be given up by the application: granian notices that only when the other side
reads again. And of answers that fit into its buffer it is not told at all.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTION: Final = getattr(socket, "TCP_USER_TIMEOUT", None)
"""None where the system does not offer it, as only Linux does."""
FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


def bound_stalls(seconds: float) -> bool:
    """Have the system end connections to this process that take nothing for so long.

    A connection has it from the socket that listens. Those that came before are given it afterwards.

    Args:
        seconds: For which nothing at all is taken.

    Returns:
        Whether it is done; False while nothing listens yet.
    """
    if OPTION is None:
        return True
    with ExitStack() as stack:
        listening = [own for own in _sockets(stack) if own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
        for own in listening:
            own.setsockopt(socket.IPPROTO_TCP, OPTION, int(seconds * 1000))
        ports = {own.getsockname()[1] for own in listening}
        for own in _sockets(stack):
            if own.getsockname()[1] in ports:
                own.setsockopt(socket.IPPROTO_TCP, OPTION, int(seconds * 1000))
        return bool(listening)


def _sockets(stack: ExitStack) -> Iterator[socket.socket]:
    """The sockets of TCP that this process has, each by a descriptor of ours, which the stack closes."""
    for descriptor in list(Path("/dev/fd").iterdir()):
        try:
            copy = os.dup(int(descriptor.name))
        except OSError:  # closed meanwhile, as the one with which the folder was read
            continue
        try:
            own = stack.enter_context(socket.socket(fileno=copy))
        except OSError:  # something else than a socket
            os.close(copy)
            continue
        if own.family in FAMILIES and own.type == socket.SOCK_STREAM:
            yield own
