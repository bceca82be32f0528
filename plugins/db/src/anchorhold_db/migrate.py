"""Bringing a database to the tables of this version, under a lock, and refusing one that is newer or foreign.

The history is one of our own: in a shared one, our first migration would be taken for the ledger's.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from peewee import SqliteDatabase

from anchorhold.errors import LedgerForeignError, LedgerVersionError
from anchorhold_db.schema import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database

FOLDER: Final = Path(__file__).parent / "migrations"
HISTORY: Final = f"{PREFIX}migration"
_ADVISORY_LOCK: Final = 0x616E63686F7264  # "anchord"; the ledger has another


@cache
def shipped() -> frozenset[str]:
    """Names of the migrations this version knows."""
    return frozenset(path.stem for path in FOLDER.glob("[0-9]*.py"))


def migrate(database: Database, where: str) -> None:
    """Apply what is missing. Of several processes that start at once, one migrates and the others wait.

    Args:
        database: The database.
        where: What to call it in messages.

    Raises:
        LedgerVersionError: The database was written by a newer anchorhold-db.
        LedgerForeignError: The database belongs to another program.
    """
    if _applied(database) == shipped():
        return
    from playhouse.migrations import Runner

    with _lock(database):
        _check(database, where, _applied(database))
        Runner(database, str(FOLDER), table_name=HISTORY).up()


@contextmanager
def _lock(database: Database) -> Iterator[None]:
    """A transaction that no other process can be in at the same time."""
    if isinstance(database, SqliteDatabase):
        with database.atomic("EXCLUSIVE"):
            yield
    else:
        with database.atomic():
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
            yield


def _applied(database: Database) -> frozenset[str]:
    if not database.table_exists(HISTORY):
        return frozenset()
    return frozenset(name for (name,) in database.execute_sql(f'SELECT name FROM "{HISTORY}"'))  # noqa: S608


def _check(database: Database, where: str, applied: frozenset[str]) -> None:
    unknown = sorted(applied - shipped())
    if unknown:
        raise LedgerVersionError(
            f"{where}: was written by a newer anchorhold-db (it has {unknown[-1]})", hint="upgrade anchorhold-db"
        )
    foreign = [table for table in database.get_tables() if not table.startswith("anchorhold_")]
    if isinstance(database, SqliteDatabase) and not applied and foreign:
        raise LedgerForeignError(
            f"{where}: belongs to another program (it has a table {foreign[0]!r})",
            hint="name another file in `database`",
        )
