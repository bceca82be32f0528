"""Which threads have been inside PKCS#11 modules, and whether those that have ended are really gone.

A thread that was joined still runs, for a moment, what libraries have registered for the end of a thread, and that
takes locks of theirs: OpenSSL does. A child forked in this moment has the lock, and nobody who would release it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Final

_TASKS: Final = Path("/proc/self/task")
_GLANCE: Final = 0.001
"""Seconds between two looks at threads that are ending."""
_MANY: Final = 1000
"""Numbers that are kept before those of threads long gone are looked for."""

_numbers: set[int] = set()
"""What the system calls the threads that have been here."""


class _Visit(threading.local):
    """Made by each thread that looks at `made`, when it first does."""

    def __init__(self) -> None:
        if len(_numbers) > _MANY:
            _numbers.intersection_update(_running())
        _numbers.add(threading.get_native_id())
        self.made = True


VISIT: Final = _Visit()
"""A thread is noted when it reads `VISIT.made`."""


def await_ended(patience: float) -> None:
    """Wait until no noted thread is just ending. Where the system does not show its threads, nothing is waited for.

    Args:
        patience: Seconds to wait at most.
    """
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        alive = {thread.native_id for thread in threading.enumerate()}
        if not (_numbers & _running()) - alive:
            break
        time.sleep(_GLANCE)
    _numbers.intersection_update(_running())


def _running() -> set[int]:
    try:
        return {int(entry.name) for entry in _TASKS.iterdir()}
    except OSError:
        return set()
