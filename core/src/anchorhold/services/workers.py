"""Workers: processes that sign for others, as they say themselves."""

from __future__ import annotations

import os
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING

from anchorhold.ledger.workers import RefusalCount, WorkerRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.services.context import ServiceContext

__all__ = ["RefusalCount", "WorkerRecord", "WorkerService"]


class WorkerService:
    """Who signs for others, and what was refused.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def list(self) -> Sequence[WorkerRecord]:
        """All workers that were seen in the last 30 days, by name; those that ended in good order are gone.

        Raises:
            LedgerError: The database refused.
        """
        ledger = self._context.ledger
        with ledger.translate_errors():
            return ledger.workers.all()

    def refusals(self, hours: int = 24) -> Sequence[RefusalCount]:
        """How often workers have refused to sign, by peer, purpose and reason.

        Args:
            hours: Of how many hours, this one too; at most 720.

        Raises:
            LedgerError: The database refused.
        """
        ledger = self._context.ledger
        with ledger.translate_errors():
            return ledger.workers.refusals(hours)

    def begin(self, name: str, aliases: Sequence[str]) -> None:
        """Record that this process is a worker, in place of one of the same name.

        Args:
            name: Unique among workers, such as ``worker@host``.
            aliases: Of the keys that it signs with.

        Raises:
            LedgerError: The database refused.
        """
        ledger = self._context.ledger
        with ledger.transaction():
            ledger.workers.begin(
                name, host=socket.gethostname(), process=os.getpid(), version=version("anchorhold"), aliases=aliases
            )

    def see(self, name: str, *, signed: bool = False) -> bool:
        """Record that a worker runs; call it more often than every two minutes.

        Args:
            name: As in `begin`.
            signed: Whether it has signed since the last call.

        Returns:
            False if it is not known: begin again.

        Raises:
            LedgerError: The database refused.
        """
        ledger = self._context.ledger
        with ledger.transaction():
            return ledger.workers.see(name, signed=signed)

    def end(self, name: str) -> None:
        """Record that a worker has ended.

        Raises:
            LedgerError: The database refused.
        """
        ledger = self._context.ledger
        with ledger.transaction():
            ledger.workers.end(name)
