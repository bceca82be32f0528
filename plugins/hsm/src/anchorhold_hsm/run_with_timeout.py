"""Calling what may never return."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """What the work returns or raises, if it does so in time; if not, it is left alone in a separate thread.

    Args:
        seconds: To wait for it.
        work: What to do.

    Raises:
        TimeoutError: It has not returned.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # it is raised in the thread that waits
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    return answer.result(seconds)
