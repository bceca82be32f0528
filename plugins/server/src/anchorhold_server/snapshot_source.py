"""The newest snapshot of the authorities, taken again when the revision of the ledger has changed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from anchorhold_server.authority_snapshot import AuthoritySnapshot, take_snapshot
from anchorhold_server.ledger_reader import reread
from anchorhold_server.revision_readers import LocalRevisionReader, SharedRevisionReader

if TYPE_CHECKING:
    from anchorhold_server.key_executors import KeyExecutors
    from anchorhold_server.ledger_connection import LedgerConnection
    from anchorhold_server.ledger_executor import LedgerExecutor
    from anchorhold_server.ledger_reader import LedgerReader
    from anchorhold_server.metrics import Metrics

CLOSING_DELAY: Final = 30.0
"""Seconds after which the key of a responder that was replaced is closed; responses may be under way."""
EMPTY: Final = AuthoritySnapshot(-1, {}, {}, 0.0)
"""The snapshot before the first one."""


class SnapshotSource:
    """Reads the revision for each request, and the authorities when it has changed. The event loop alone uses it.

    Args:
        reader: Reads the ledger.
        connection: Reads the revision, and knows whether it is the newest.
        executor: For a ledger that may take time.
        keys: Closes the keys of responders that were replaced.
        metrics: For responders.

    Attributes:
        latest: The snapshot that was taken last, whether or not it is outdated.
        settled: The same, if it was found to be of the present revision in this turn of the event loop; else None.
    """

    def __init__(
        self,
        reader: LedgerReader,
        connection: LedgerConnection,
        executor: LedgerExecutor,
        keys: KeyExecutors,
        metrics: Metrics,
    ) -> None:
        self._reader = reader
        self._executor = executor
        self._keys = keys
        self._metrics = metrics
        self._local = LocalRevisionReader(connection.revision_in_loop, self._unsettle) if connection.is_local else None
        self._shared = SharedRevisionReader(connection.revision, executor.threads)
        self._renewing = asyncio.Lock()
        self._renewed_from = 0.0
        self.latest = EMPTY
        self.settled: AuthoritySnapshot | None = None

    async def current(self) -> AuthoritySnapshot:
        """The snapshot of the present revision.

        Raises:
            LedgerError, TimeoutError: The ledger cannot be read.
        """
        revision = None if self._local is None else self._local.read()
        if revision is not None and not self._is_outdated(revision):
            self.settled = self.latest
            return self.latest
        if revision is None:
            revision = await self._executor.wait(self._shared.read())
        read_at = time.monotonic()
        if self._is_outdated(revision):
            async with self._renewing:  # another request may have renewed it, since the revision was read
                if self._is_outdated(revision) and self._renewed_from <= read_at:
                    await self._renew()
        return self.latest

    def _unsettle(self) -> None:
        self.settled = None

    def _is_outdated(self, revision: int) -> bool:
        """Whether the snapshot is of another revision, a lower one where a ledger was restored, or of the future."""
        return revision != self.latest.revision or self.latest.is_ahead()

    async def _renew(self) -> None:
        before, begun = self.latest, time.monotonic()
        taken = await self._executor.run(lambda: reread(lambda: take_snapshot(self._reader, self._metrics, before)))
        self.latest, self._renewed_from = taken, begun
        for responder in before.responders() - taken.responders():
            asyncio.get_running_loop().call_later(CLOSING_DELAY, self._keys.close, responder)
