"""Threads that do something at the same moment, in step with each other."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from anchorhold.testing.crash_injection import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

T = TypeVar("T")

_INTERVAL: Final = 1e-5
"""Seconds after which another thread runs: so short that it happens within everything that takes a while."""
_CAME_BACK: Final = ("c_return", "c_exception")
"""Finding out that nothing is there is an exception, too."""
_PAUSE: Final = 0.0005
_PAUSES: Final = 20
"""How often a thread pauses after calls of the same function."""


class LockstepProfiler:
    """A profile function that keeps threads in step: it lets the others catch up after each call of a C function.

    So a process that checks before it writes does so while all others have looked and none has written.
    """

    def __init__(self) -> None:
        self._paused: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        """Called by the interpreter."""
        name = name_of(function) if event in _CAME_BACK else None
        if name is not None and self._paused[name] < _PAUSES:
            self._paused[name] += 1
            time.sleep(_PAUSE)


def run_concurrently(tasks: Sequence[Callable[[], T]], *, lockstep: bool = True) -> list[T | Exception]:
    """Do several things at once, each in a separate thread that waits for the others before it begins.

    No pool does it, for that would wait at its end for a thread that another has locked out for ever; the time limit of
    the rule ends this wait.

    Args:
        tasks: What to do.
        lockstep: Whether they are kept in step by a `LockstepProfiler`.

    Returns:
        What each has answered or raised, in the same order.
    """
    barrier = threading.Barrier(len(tasks))
    outcomes: dict[int, T | Exception] = {}

    def work(number: int, task: Callable[[], T]) -> None:
        barrier.wait()
        if lockstep:
            sys.setprofile(LockstepProfiler())
        try:
            outcomes[number] = task()
        except Exception as error:  # judged by whoever asked
            outcomes[number] = error
        finally:
            sys.setprofile(None)

    threads = [threading.Thread(target=work, args=given, daemon=True) for given in enumerate(tasks)]
    with frequent_switches():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [outcomes[number] for number in range(len(tasks))]


@contextmanager
def frequent_switches() -> Iterator[None]:
    """Let threads take turns much more often than they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
