"""The lock around a module: what an interrupt of the main thread leaves undone keeps nobody waiting for ever."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from anchorhold_hsm.module_lock import ModuleLock

pytestmark = pytest.mark.databases(because="no ledger is opened")
INTERRUPTS = 200


class Interrupt(Exception):  # noqa: N818
    """Raised by the handler of a signal, as ``KeyboardInterrupt`` is."""


def interrupted_often(lock: ModuleLock) -> None:
    """Enter and leave again and again, while signals arrive; as often as not in the middle of it."""
    over = threading.Event()
    main = threading.main_thread().ident
    assert main is not None

    def send() -> None:
        over.wait(0.05)
        while not over.is_set():
            signal.pthread_kill(main, signal.SIGUSR1)
            time.sleep(0.0005)

    def interrupt(*_: object) -> None:
        if not over.is_set():
            raise Interrupt

    before, sender = signal.signal(signal.SIGUSR1, interrupt), threading.Thread(target=send)
    sender.start()
    seen = 0
    try:
        while not over.is_set():
            try:
                while True:
                    with lock:
                        pass
            except Interrupt:
                seen += 1
                if seen == INTERRUPTS:
                    over.set()
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, before)


def closed_by_another(lock: ModuleLock) -> bool:
    """Whether another thread gets the module for itself."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(lock.close(1)))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("serialise", [False, True])
def test_the_next_use_makes_up_for_interrupts(serialise: bool) -> None:
    lock = ModuleLock(serialise=serialise)
    interrupted_often(lock)
    with lock:
        pass
    assert closed_by_another(lock)


def test_a_thread_that_was_interrupted_does_not_wait_for_itself() -> None:
    lock = ModuleLock(serialise=True)
    interrupted_often(lock)
    assert lock.close(1)


def test_whoever_is_inside_is_waited_for() -> None:
    lock = ModuleLock(serialise=False)
    with lock:
        assert not closed_by_another(lock)
    assert closed_by_another(lock)
