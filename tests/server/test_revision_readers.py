"""Sharing one reading of the revision among requests never gives any of them one that began before it came."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from anchorhold.errors import LedgerError
from anchorhold_server.revision_readers import LocalRevisionReader, SharedRevisionReader

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each has its own revision")


class SlowLedger:
    """A ledger whose readings take as long as a test likes.

    Attributes:
        value: The revision.
        begun: Set when a reading has begun, and taken its value.
        go_on: A reading ends when this is set.
        readings: How many there were.
    """

    def __init__(self) -> None:
        self.value, self.readings, self.broken = 1, 0, False
        self.begun, self.go_on = Event(), Event()

    def revision(self) -> int:
        self.readings += 1
        value = self.value
        self.begun.set()
        assert self.go_on.wait(5)
        if self.broken:
            raise LedgerError("ledger: away", hint="repeat")
        return value


async def _tasks_have_begun() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_comes_during_a_reading_waits_for_the_next_one() -> None:
    async def scenario(threads: ThreadPoolExecutor) -> None:
        ledger = SlowLedger()
        revisions = SharedRevisionReader(ledger.revision, threads)
        first = asyncio.create_task(revisions.read())
        await asyncio.to_thread(ledger.begun.wait, 5)
        ledger.value = 2  # a revocation is committed, then fifty requests come
        later = [asyncio.create_task(revisions.read()) for _ in range(50)]
        await _tasks_have_begun()
        ledger.go_on.set()
        assert await first == 1
        assert set(await asyncio.gather(*later)) == {2}
        assert ledger.readings == 2

    with ThreadPoolExecutor(2) as threads:
        asyncio.run(scenario(threads))


def test_a_reading_that_fails_fails_for_those_who_waited_and_for_nobody_else() -> None:
    async def scenario(threads: ThreadPoolExecutor) -> None:
        ledger = SlowLedger()
        ledger.go_on.set()
        ledger.broken = True
        revisions = SharedRevisionReader(ledger.revision, threads)
        with pytest.raises(LedgerError):
            await revisions.read()
        ledger.broken = False
        assert await revisions.read() == 1

    with ThreadPoolExecutor(2) as threads:
        asyncio.run(scenario(threads))


def test_one_who_gives_up_does_not_take_it_from_the_others() -> None:
    async def scenario(threads: ThreadPoolExecutor) -> None:
        ledger = SlowLedger()
        revisions = SharedRevisionReader(ledger.revision, threads)
        waiting = [asyncio.create_task(revisions.read()) for _ in range(3)]
        await asyncio.to_thread(ledger.begun.wait, 5)
        waiting[0].cancel()
        await _tasks_have_begun()
        ledger.go_on.set()
        assert await asyncio.gather(*waiting[1:]) == [1, 1]

    with ThreadPoolExecutor(2) as threads:
        asyncio.run(scenario(threads))


async def _asked(revisions: LocalRevisionReader) -> int | None:
    return revisions.read()


def test_those_in_the_queue_share_a_reading_of_a_local_ledger_and_who_comes_later_does_not() -> None:
    async def scenario() -> None:
        ledger = SlowLedger()
        ledger.go_on.set()
        revisions = LocalRevisionReader(ledger.revision, lambda: None)
        waiting = [asyncio.create_task(_asked(revisions)) for _ in range(50)]
        assert await asyncio.gather(*waiting) == [1] * 50
        assert ledger.readings == 1
        ledger.value = 2  # a revocation is committed
        assert await asyncio.create_task(_asked(revisions)) == 2

    asyncio.run(scenario())


def test_who_enters_the_queue_after_a_reading_has_one_of_their_own() -> None:
    async def scenario() -> None:
        ledger = SlowLedger()
        ledger.go_on.set()
        revisions = LocalRevisionReader(ledger.revision, lambda: None)
        assert revisions.read() == 1
        ledger.value = 2  # within the same turn of the loop
        assert await asyncio.create_task(_asked(revisions)) == 2

    asyncio.run(scenario())
