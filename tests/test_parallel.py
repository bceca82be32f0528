"""What several threads do together: results in order, one clear failure, and nobody left behind."""

from __future__ import annotations

import signal
import threading
import time
from threading import Barrier, current_thread, main_thread

import pytest

from anchorhold.operations import parallel
from anchorhold.operations.parallel import OrderedParallel


@pytest.fixture(autouse=True)
def _four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "MAX_WORKERS", 4)


def test_results_come_in_the_order_of_the_items_whoever_was_first() -> None:
    def task(number: int) -> int:
        time.sleep(0.01 * (5 - number % 5))
        return number

    assert OrderedParallel[int](20).run(task) == list(range(20))


def test_several_are_done_at_once() -> None:
    meeting = Barrier(4)
    assert len(OrderedParallel[int](4).run(lambda _: meeting.wait(10))) == 4


def test_a_single_one_is_done_in_the_thread_that_asks() -> None:
    assert OrderedParallel[threading.Thread](1).run(lambda _: current_thread()) == [main_thread()]


def test_the_failure_of_the_first_item_is_raised_whichever_came_first() -> None:
    meeting = Barrier(4)

    def task(number: int) -> None:
        meeting.wait(10)
        time.sleep(0.05 * (4 - number))
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"^0$"):
        OrderedParallel[None](4).run(task)


def test_after_a_failure_nothing_is_begun_and_what_was_begun_is_finished() -> None:
    meeting = Barrier(4)

    def task(number: int) -> int:
        meeting.wait(10)
        if number == 1:
            raise ValueError("no")
        time.sleep(0.1)
        return number

    shared: OrderedParallel[int] = OrderedParallel(100)
    with pytest.raises(ValueError, match="no"):
        shared.run(task)
    assert shared.results[:5] == [0, None, 2, 3, None]
    assert shared.begun == [True] * 4 + [False] * 96


def test_an_interrupt_waits_for_what_was_begun() -> None:
    meeting = Barrier(4)

    def task(number: int) -> int:
        if number < 4:
            meeting.wait(10)
        time.sleep(0.1)
        if number == 0:
            signal.raise_signal(signal.SIGINT)  # is handled in the main thread, whoever raises it
        time.sleep(0.1)
        return number

    shared: OrderedParallel[int] = OrderedParallel(100)
    before = set(threading.enumerate())
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # the background of a shell ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            shared.run(task)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert set(threading.enumerate()) <= before
    begun = shared.begun.count(True)
    assert begun in range(4, 8)
    assert begun - 1 <= sum(result is not None for result in shared.results) <= begun
