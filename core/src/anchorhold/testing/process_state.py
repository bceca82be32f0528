"""What belongs to the whole process, which a backend is a guest in: read before its work and afterwards."""

from __future__ import annotations

import gc
import locale
import logging
import os
import signal
import socket
import sys
import threading
from concurrent.futures import thread as pools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SET_BY_LIBRARIES: Final = frozenset({"LC_CTYPE"})
"""Variables that the interpreter itself may set."""


def umask() -> int:
    """The mode bits that new files do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def signal_handlers() -> dict[int, Any]:
    """The handler of each signal."""
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _SET_BY_LIBRARIES}


def _logging() -> tuple[Any, ...]:
    return logging.root.level, list(logging.root.handlers), logging.root.manager.disable


_READERS: Final[Mapping[str, Callable[[], Any]]] = {
    "the umask": umask,
    "the working folder": lambda: str(Path.cwd()),
    "a variable of the environment": _variables,
    "the handler of a signal": signal_handlers,
    "a timer": lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0,
    "the default time-out of sockets": socket.getdefaulttimeout,
    "the level or the handlers of the root logger": _logging,
    "the hook for uncaught errors": lambda: (sys.excepthook, threading.excepthook),
    "the profile or trace function": lambda: (sys.getprofile(), sys.gettrace()),
    "the locale": lambda: locale.setlocale(locale.LC_ALL),
    "standard output or standard error": lambda: (sys.stdout, sys.stderr),
    "the search path of modules": lambda: list(sys.path),
    "the recursion limit": sys.getrecursionlimit,
    "the collection of garbage": lambda: (gc.isenabled(), gc.get_threshold()),
    "the priority": lambda: os.getpriority(os.PRIO_PROCESS, 0),
}
"""What a backend leaves as it was."""


def state() -> dict[str, Any]:
    """All of it, now; to be compared by `changed`."""
    return {name: read() for name, read in _READERS.items()}


def changed(before: Mapping[str, Any]) -> list[str]:
    """The names of what is not as it was."""
    now = state()
    return [name for name, value in before.items() if now[name] != value]


def descriptors() -> int:
    """How many files and connections this process has open; 0 where the system does not say."""
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else 0


def lingering() -> list[str]:
    """The names of threads that keep the process from its end; idle ones of pools end by themselves."""
    pooled = set(vars(pools)["_threads_queues"])
    return [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon and thread not in pooled
    ]
