"""Threads in which the ledger is read, so that the event loop does not wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from anchorhold_server.timeouts import OperationTimeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

T = TypeVar("T")


class LedgerExecutor:
    """Runs functions in threads, and waits for them within bounds. To be made when the process starts.

    Args:
        threads: The threads; on a database server each has a connection.
    """

    def __init__(self, threads: Executor) -> None:
        self.threads = threads
        self._timeout = OperationTimeout()

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function in a thread.

        Raises:
            TimeoutError: It takes too long; it goes on in its thread.
        """
        return await self.wait(asyncio.get_running_loop().run_in_executor(self.threads, function))

    async def wait(self, running: Awaitable[T]) -> T:
        """Wait for something that runs in a thread.

        Raises:
            TimeoutError: It takes too long.
        """
        return await asyncio.wait_for(running, self._timeout.seconds())
