"""A limit for what a rule may take: a backend that waits for ever must not stop the run."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class TooLongError(AssertionError):
    """Something was ended because it took too long."""


class _Ended(BaseException):
    """Raised in the middle of what takes too long; no `Exception`, which a backend may catch."""


@contextmanager
def limited(seconds: float, what: str) -> Iterator[None]:
    """End what is done inside when it takes too long; only where the main thread waits, which tests do.

    A timer that was running, as that of pytest-timeout, goes on afterwards. What waits inside of a library in C is
    ended when that returns.

    Args:
        seconds: The limit on the clock.
        what: Names what is done, for the message.

    Raises:
        TooLongError: It was ended.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, _end)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _Ended:
        raise TooLongError(f"{what} did not end within {seconds:g} seconds") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _Ended
