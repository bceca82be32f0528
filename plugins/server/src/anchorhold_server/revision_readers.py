"""Reading the revision of the ledger for every request: a revocation is visible in the next response."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from anchorhold_server.ledger_reader import reread

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor


class LocalRevisionReader:
    """Reads the revision in the event loop, once for all the requests that are waiting for their turn in it.

    The value is forgotten by a callback: whatever runs before that one was in the queue before the revision was read.

    Args:
        revision: Reads it; None where that would take long.
        forgotten: Called when the value is forgotten.
    """

    def __init__(self, revision: Callable[[], int | None], forgotten: Callable[[], None]) -> None:
        self._revision = revision
        self._forgotten = forgotten
        self._value: int | None = None

    def read(self) -> int | None:
        """The present revision; None if it is to be read in a thread.

        Raises:
            LedgerError: It cannot be read.
        """
        value = self._value
        if value is None:
            asyncio.get_running_loop().call_soon(self._forget)
            value = self._value = self._revision()
        return value

    def _forget(self) -> None:
        self._value = None
        self._forgotten()


class SharedRevisionReader:
    """Reads the revision in a thread, for all the requests that wait for it at once.

    A request shares the first reading that begins after it came: one under way may have missed a revocation.

    Args:
        revision: Reads it.
        threads: Where it is read.
    """

    def __init__(self, revision: Callable[[], int], threads: Executor) -> None:
        self._revision = revision
        self._threads = threads
        self._running: asyncio.Future[int] | None = None
        self._next: asyncio.Future[int] | None = None

    async def read(self) -> int:
        """The present revision.

        Raises:
            LedgerError: It cannot be read.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._read_after(self._running))
        return await asyncio.shield(self._next)

    async def _read_after(self, running: asyncio.Future[int] | None) -> int:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, reread, self._revision)
