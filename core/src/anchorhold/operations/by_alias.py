"""The same work for many authorities: aliases at once, because one may be far away, and those of one in turn."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from anchorhold.operations.authority import Authority

R = TypeVar("R")

MAX_AT_ONCE: Final = 8
"""Aliases that are asked at once; more than have to wait for one another."""


def by_alias(
    authorities: Sequence[Authority], work: Callable[[Authority], R], ended: Callable[[], None]
) -> Iterator[tuple[Authority, R]]:
    """Do some work for each authority, and give the results in their order, each as soon as it is there.

    One alias gets one call at a time: what it has refused or not answered is known before the next one.

    Args:
        authorities: For which.
        work: For one of them; what it raises is raised when its result is asked for.
        ended: Called at the end of each thread, such as to close its connections.
    """
    numbers: dict[str, list[int]] = {}
    for number, authority in enumerate(authorities):
        numbers.setdefault(authority.record.key_backend, []).append(number)
    if min(len(numbers), MAX_AT_ONCE) < 2:  # in this thread, as it comes
        yield from ((authority, work(authority)) for authority in authorities)
        return
    results: list[Future[R]] = [Future() for _ in authorities]
    queues = [iter(found) for found in _dealt(list(numbers.values()))]

    def run(queue: Iterator[int]) -> None:
        try:
            for number in queue:
                try:
                    results[number].set_result(work(authorities[number]))
                except BaseException as error:  # raised where the result is asked for
                    results[number].set_exception(error)
        finally:
            ended()

    threads = [Thread(target=run, args=(queue,), daemon=True) for queue in queues]  # an interrupted command ends
    for thread in threads:
        thread.start()
    for authority, result in zip(authorities, results, strict=True):
        yield authority, result.result()
    for thread in threads:
        thread.join()


def _dealt(groups: list[list[int]]) -> list[list[int]]:
    """The groups, in no more queues than may be at work."""
    queues: list[list[int]] = [[] for _ in range(min(MAX_AT_ONCE, len(groups)))]
    for number, group in enumerate(groups):
        queues[number % len(queues)] += group
    return queues
