"""A number that changes with everything a server answers from but issuance: it tells when to look again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from peewee import Database

SELECT_REVISION: Final = 'SELECT value FROM "anchorhold_epoch"'
"""Reads it from any connection to the database of a ledger."""


class LedgerRevision:
    """Reads and advances the revision.

    Args:
        database: Where it is.
        model: The table, of one row.
    """

    def __init__(self, database: Database, model: Any) -> None:
        self._database = database
        self._model = model
        self._select = f'SELECT value FROM "{model._meta.table_name}"'  # noqa: S608, SLF001

    def advance(self) -> None:
        """Advance it, within the caller's transaction; on PostgreSQL this keeps other writers waiting."""
        self._model.update(value=self._model.value + 1).execute()

    def read(self) -> int:
        """The present revision."""
        return int(self._database.execute_sql(self._select).fetchone()[0])
