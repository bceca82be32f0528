"""Who is inside a PKCS#11 module: many threads at once, one at a time, or one that has it for itself."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Condition, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gate:
    """Entered around every use of a module, and never twice by one thread.

    With ``with``, or for every signature with `enter` and `leave`, which are quicker.

    Args:
        serialise: Let in one thread at a time.
    """

    def __init__(self, *, serialise: bool) -> None:
        self._serialise = serialise
        self._closed = False
        self._inside = 0
        self._lock = Lock()
        self._changed = Condition(self._lock)

    def enter(self) -> None:
        """Wait until one more may be inside, and be that one."""
        with self._lock:  # the same as `with self._changed`, and quicker
            while self._closed or (self._serialise and self._inside):
                self._changed.wait()
            self._inside += 1

    def leave(self) -> None:
        """Not be inside any more."""
        with self._lock:
            self._inside -= 1
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
    def alone(self) -> Iterator[None]:
        """Wait until nobody is inside, and keep everybody out; not to be called from inside."""
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._closed = True
            while self._inside:
                self._changed.wait()
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
