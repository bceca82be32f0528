"""Bringing a database to the tables of this version, under a lock, and refusing one that is newer or foreign."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from peewee import SqliteDatabase

from anchorhold.databases.drivers import without_drivers
from anchorhold.errors import LedgerForeignError, LedgerVersionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from peewee import Database

_OURS: Final = "anchorhold_"
"""How the names of all tables of anchorhold and of its backends begin, which may share a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """The history of one distribution's tables; in a shared one its first step would be taken for another's.

    Attributes:
        program: The distribution, for messages.
        folder: Has the steps, for ``playhouse.migrations``: files whose names begin with a number.
        prefix: How the names of its tables begin.
        lock: Number of its advisory lock on PostgreSQL.
    """

    program: str
    folder: Path
    prefix: str
    lock: int

    @property
    def shipped(self) -> frozenset[str]:
        """Names of the steps this version knows."""
        return frozenset(path.stem for path in self.folder.glob("[0-9]*.py"))

    def apply(self, database: Database, where: str) -> list[str]:
        """Take the steps that are missing; returns the names of those this process took.

        Several processes may start at once on an empty database: one migrates, the others wait.

        Args:
            database: The database.
            where: What to call it in messages.

        Raises:
            LedgerVersionError: The database was written by a newer version.
            LedgerForeignError: The database belongs to another program.
        """
        if self.are_complete(database):
            return []
        with without_drivers():
            from playhouse.migrations import Runner

        with self._alone(database):
            self.check(database, where)
            names: list[str] = Runner(database, str(self.folder), table_name=self.history).up()
            return names

    def are_begun(self, database: Database) -> bool:
        """Whether a database has any of these tables, which asking does not make."""
        return bool(database.table_exists(self.history))

    @property
    def history(self) -> str:
        """The table in which the steps that were taken are."""
        return f"{self.prefix}migration"

    @contextmanager
    def _alone(self, database: Database) -> Iterator[None]:
        """A transaction that no other process can be in at the same time."""
        if isinstance(database, SqliteDatabase):
            with database.atomic("EXCLUSIVE"):
                yield
        else:
            with database.atomic():
                database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (self.lock,))
                yield

    def are_complete(self, database: Database) -> bool:
        """Whether a database has the tables of this version."""
        return self.shipped == self._applied(database)

    def _applied(self, database: Database) -> frozenset[str]:
        history = self.history
        if not self.are_begun(database):
            return frozenset()
        return frozenset(name for (name,) in database.execute_sql(f'SELECT name FROM "{history}"'))  # noqa: S608

    def check(self, database: Database, where: str) -> None:
        """Refuse a database that is not for this version, and change nothing in it.

        Args:
            database: The database; steps that are missing are fine.
            where: What to call it in messages.

        Raises:
            LedgerVersionError, LedgerForeignError: See `apply`.
        """
        # Before the history: another process may make both at this moment, in one transaction.
        foreign = [table for table in database.get_tables() if self._is_foreign(database, table)]
        applied = self._applied(database)
        unknown = sorted(applied - self.shipped)
        if unknown:
            raise LedgerVersionError(
                f"{where}: was written by a newer {self.program} (it has {unknown[-1]})",
                hint=f"upgrade {self.program}",
            )
        if foreign and not applied:
            raise LedgerForeignError(
                f"{where}: belongs to another program (it has a table {foreign[0]!r})",
                hint="name another one in `database`",
            )

    def _is_foreign(self, database: Database, table: str) -> bool:
        """Whether a table says that the database is not for us; on a server those of others may be beside ours."""
        shared = not isinstance(database, SqliteDatabase)
        return table.startswith(self.prefix) or not (shared or table.startswith(_OURS))
