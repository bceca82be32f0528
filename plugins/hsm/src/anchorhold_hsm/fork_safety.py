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
_POLL_INTERVAL: Final = 0.001
"""Seconds between two looks at threads that are ending."""
_CLEANUP_THRESHOLD: Final = 1000
"""Numbers that are kept before those of threads long gone are looked for."""

_numbers: set[int] = set()
"""What the system calls the threads that have been here."""


class _ThreadMark(threading.local):
    """Made by each thread that looks at `made`, when it first does."""

    def __init__(self) -> None:
        if len(_numbers) > _CLEANUP_THRESHOLD:
            _numbers.intersection_update(_running())
        _numbers.add(threading.get_native_id())
        self.made = True


THREAD_MARK: Final = _ThreadMark()
"""A thread is noted when it reads `THREAD_MARK.made`."""


def wait_for_ended_threads(patience: float) -> None:
    """Wait until no noted thread is just ending. Where the system does not show its threads, nothing is waited for.

    Args:
        patience: Seconds to wait at most.
    """
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        alive = {thread.native_id for thread in threading.enumerate()}
        if not (_numbers & _running()) - alive:
            break
        time.sleep(_POLL_INTERVAL)
    _numbers.intersection_update(_running())


def _running() -> set[int]:
    try:
        return {int(entry.name) for entry in _TASKS.iterdir()}
    except OSError:
        return set()
