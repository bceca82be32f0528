"""One task for many items, shared by a few threads: keys sign, and signatures are verified, outside Python's lock."""

from __future__ import annotations

import os
import time
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from anchorhold.plugin.retries import in_vain

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")

MAX_WORKERS: Final = min(8, 2 * (os.cpu_count() or 1))
"""Threads where a key does not say how many it takes; more than processors, for keys that are far away."""
INTERVAL: Final = 1.0
"""Seconds after which `OrderedParallel.run` lets the caller look after what is done so far."""
_PAUSE: Final = 0.05
"""Seconds after which a waiting thread handles a signal that another one has received."""
_INTERRUPTED: Final = -1


def _nothing() -> None:
    """For a caller that has nothing to look after."""


class OrderedParallel(Generic[R]):
    """What became of each item, by its number.

    Args:
        count: How many items there are.
        workers: How many threads share them; by default `MAX_WORKERS`.

    Attributes:
        results: What the task returned; None where it did not.
        begun: Whether the task was begun.
    """

    def __init__(self, count: int, workers: int | None = None) -> None:
        self.results: list[R | None] = [None] * count
        self.begun = [False] * count
        self._workers = workers or MAX_WORKERS
        self._next = 0
        self._taking = Lock()
        self._errors: dict[int, BaseException] = {}
        self._end = float("inf")

    @property
    def is_done(self) -> bool:
        """Whether every item was begun."""
        return self._next >= len(self.begun)

    def run(
        self, task: Callable[[int], R], look_after: Callable[[], None] = _nothing, *, seconds: float = float("inf")
    ) -> list[R]:
        """Do the task for each number, the first ones first; a single one is done in this thread alone.

        After a failure no more are begun, and those under way are waited for, also when this thread is interrupted; a
        busy backend is not asked again meanwhile.

        Args:
            task: What to do.
            look_after: Called in this thread, once an `INTERVAL` while tasks are under way.
            seconds: None is begun after that; the next call goes on.

        Returns:
            All results so far, in order.

        Raises:
            BaseException: What the task raised for the lowest number, or what has interrupted this thread.
        """
        self._end = time.monotonic() + seconds
        left = len(self.begun) - self._next
        if min(self._workers, left) <= 1:
            self._work(task, look_after)
        else:
            self._share(task, look_after, min(self._workers, left))
        if self._errors:
            raise self._errors[min(self._errors)]
        return [result for result in self.results if result is not None]

    def _share(self, task: Callable[[int], R], look_after: Callable[[], None], count: int) -> None:
        """Wait for threads that do the work: this one has to be free, however long a single task takes.

        ``Thread.join`` does not tell when: a thread whose join was interrupted counts as ended (CPython 3.11 and 3.12).
        """
        workers = _Workers(count)
        threads = [Thread(target=workers.run, args=(self._work_beside, task)) for _ in range(count)]
        started, due = 0, time.monotonic() + INTERVAL
        try:
            for thread in threads:
                thread.start()
                started += 1
        except BaseException as error:  # raised by `run`, when nobody works any more
            self._errors[_INTERRUPTED] = error
        while workers.ended < started:
            try:
                workers.wait(_PAUSE)
                if time.monotonic() >= due:
                    look_after()
                    due = time.monotonic() + INTERVAL
            except BaseException as error:  # the same
                self._errors[_INTERRUPTED] = error
                look_after, due = _nothing, float("inf")
        for thread in threads[:started]:
            thread.join()  # which has nothing left to do

    def _work_beside(self, task: Callable[[int], R]) -> None:
        """The work of a separate thread, which does not wait for a busy backend once others have failed."""
        in_vain.set(lambda: bool(self._errors))
        self._work(task)

    def _work(self, task: Callable[[int], R], look_after: Callable[[], None] = _nothing) -> None:
        due = time.monotonic() + INTERVAL
        while not self._errors and time.monotonic() < self._end:
            with self._taking:
                number = self._next
                self._next += 1
            if number >= len(self.begun):
                return
            self.begun[number] = True
            try:
                self.results[number] = task(number)
                if time.monotonic() >= due:
                    look_after()
                    due = time.monotonic() + INTERVAL
            except BaseException as error:  # raised by `run`
                self._errors[number] = error


class _Workers:
    """Counts threads that have ended; the caller may be interrupted at any moment.

    Args:
        count: How many there will be.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._counting = Lock()
        self._all_ended = Lock()
        self._all_ended.acquire()
        self.ended = 0

    def run(self, work: Callable[..., None], *arguments: Any) -> None:
        """Do the work of one thread."""
        try:
            work(*arguments)
        finally:
            with self._counting:
                self.ended += 1
                if self.ended == self._count:
                    self._all_ended.release()

    def wait(self, seconds: float) -> None:
        """Until all have ended, but no longer than that; the caller looks at `ended`."""
        self._all_ended.acquire(timeout=seconds)
