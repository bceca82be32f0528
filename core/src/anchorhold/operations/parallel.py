"""One task for many items, shared by a few threads: keys sign, and signatures are verified, outside Python's lock."""

from __future__ import annotations

import os
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")

MAX_WORKERS: Final = min(8, 2 * (os.cpu_count() or 1))
"""Threads; more of them than processors, for keys that are far away."""
_INTERRUPTED: Final = -1


class OrderedParallel(Generic[R]):
    """What became of each item, by its number.

    Args:
        count: How many items there are.

    Attributes:
        results: What the task returned; None where it did not.
        begun: Whether the task was begun.
    """

    def __init__(self, count: int) -> None:
        self.results: list[R | None] = [None] * count
        self.begun = [False] * count
        self._numbers = iter(range(count))
        self._taking = Lock()
        self._errors: dict[int, BaseException] = {}

    def run(self, task: Callable[[int], R]) -> list[R]:
        """Do the task for each number, the first ones first; a single one is done in this thread alone.

        After a failure no more are begun, and those under way are waited for, also when this thread is interrupted.

        Returns:
            All results, in order.

        Raises:
            BaseException: What the task raised for the lowest number, or what has interrupted this thread.
        """
        threads = [Thread(target=self._work, args=(task,)) for _ in range(min(MAX_WORKERS, len(self.begun)) - 1)]
        try:
            for thread in threads:
                thread.start()
            self._work(task)
        except BaseException as error:  # raised below, when nobody works any more
            self._errors[_INTERRUPTED] = error
        while waiting := [thread for thread in threads if thread.is_alive()]:
            try:
                waiting[0].join()
            except BaseException as error:  # the same
                self._errors[_INTERRUPTED] = error
        if self._errors:
            raise self._errors[min(self._errors)]
        return [result for result in self.results if result is not None]

    def _work(self, task: Callable[[int], R]) -> None:
        while not self._errors:
            with self._taking:
                number = next(self._numbers, None)
            if number is None:
                return
            self.begun[number] = True
            try:
                self.results[number] = task(number)
            except BaseException as error:  # raised by `run`
                self._errors[number] = error
