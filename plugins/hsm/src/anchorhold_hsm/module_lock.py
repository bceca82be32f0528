"""Who is inside a PKCS#11 module: many threads at once, one at a time, or one that has it for itself."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Condition, Lock, get_ident
from typing import TYPE_CHECKING

from anchorhold_hsm.fork_safety import THREAD_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator


class ModuleLock:
    """Entered around every use of a module, and never twice by one thread.

    With ``with``, or for every signature with `enter` and `leave`, which are quicker. Threads that are inside are known
    by their numbers: a signal may interrupt the main thread as it enters or leaves, and what that leaves undone is done
    by its next use.

    Args:
        serialise: Let in one thread at a time.
    """

    def __init__(self, *, serialise: bool) -> None:
        self._serialise = serialise
        self._closed = False
        self._inside: set[int] = set()
        self._lock = Lock()
        self._changed = Condition(self._lock)

    def enter(self) -> None:
        """Wait until one more may be inside, and be that one."""
        _ = THREAD_MARK.made
        own = get_ident()
        with self._lock:  # the same as `with self._changed`, and quicker
            while self._closed or (self._serialise and self._has_others(own)):
                self._changed.wait()
            self._inside.add(own)

    def leave(self) -> None:
        """Not be inside any more."""
        with self._lock:
            self._inside.discard(get_ident())
            if self._closed or self._serialise:
                self._changed.notify_all()

    def serialise(self) -> None:
        """From now on let in one thread at a time."""
        with self._changed:
            self._serialise = True

    def __enter__(self) -> None:
        self.enter()

    def __exit__(self, *_: object) -> None:
        self.leave()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait until nobody is inside, and keep everybody out; not to be called from inside."""
        self.close()
        try:
            yield
        finally:
            self.reopen()

    def close(self, timeout: float = -1) -> bool:
        """Keep everybody out, and wait until nobody is inside; not to be called from inside.

        Args:
            timeout: Seconds to wait at most; for ever if it is negative.

        Returns:
            Whether no call is in progress. If one is, the gate is unchanged.
        """
        own, limit = get_ident(), None if timeout < 0 else time.monotonic() + timeout
        if not self._lock.acquire(timeout=timeout):
            return False
        try:
            if not self._changed.wait_for(lambda: not self._closed, _left(limit)):
                return False
            self._closed = True
            if self._changed.wait_for(lambda: not self._has_others(own), _left(limit)):
                return True
            self._closed = False
            self._changed.notify_all()
            return False
        finally:
            self._lock.release()

    def reopen(self) -> None:
        """Undo `close`."""
        with self._changed:
            self._closed = False
            self._changed.notify_all()

    def _has_others(self, own: int) -> bool:
        return bool(self._inside - {own})


def _left(limit: float | None) -> float | None:
    """Seconds until that moment."""
    return None if limit is None else limit - time.monotonic()
