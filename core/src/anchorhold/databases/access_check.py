"""Finding out whether a database can be used, without making or changing anything in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from peewee import SqliteDatabase

from anchorhold.databases.connect import file_of
from anchorhold.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from peewee import Database

    from anchorhold.databases.migrations import Migrations

_NOT_WRITTEN: Final = "give this account access, or choose another location"
_TABLES: Final = (
    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND starts_with(tablename::text, %s) "
    "AND tablename <> %s AND NOT has_table_privilege(format('%%I.%%I', schemaname, tablename), 'INSERT')"
)
_SCHEMA: Final = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"


def check_files(url: str, where: str) -> bool:
    """Whether the file of a database is there; that of a server is taken to be.

    Args:
        url: Of the database.
        where: What to call it in messages.

    Raises:
        LedgerError: It cannot be written, or not be made where it is not there.
    """
    file = file_of(url)
    if file is None:
        return True
    there = os.path.lexists(file)
    place = file if there else file.parent
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    reason = _unfit(place, is_file=there)
    if reason is None and there:  # SQLite makes its log beside the file
        reason = _unfit(file.resolve().parent, is_file=False)
    if reason is not None:
        raise LedgerError(f"{where}: {reason}", hint=_NOT_WRITTEN)
    return there


def _unfit(place: Path, *, is_file: bool) -> str | None:
    if is_file and not place.is_file():
        return "is not a file"
    if not is_file and not place.is_dir():
        return f"{place} is not a folder"
    if os.access(place, os.R_OK | os.W_OK | (0 if is_file else os.X_OK)):
        return None
    return "cannot be written by this account" if is_file else f"{place} cannot be written by this account"


def check_tables(database: Database, where: str, migrations: Migrations) -> bool:
    """Whether the tables of this version are there.

    Args:
        database: One that is there; this connects to it.
        where: What to call it in messages.
        migrations: The history of the tables.

    Raises:
        LedgerVersionError, LedgerForeignError: It is not for this version, or another program's.
        LedgerError: This account may not write into the tables, or not make them where they are missing.
        PeeweeException: It cannot be reached, or refuses.
    """
    migrations.check(database, where)
    complete = migrations.are_complete(database)
    if not isinstance(database, SqliteDatabase):
        _check_privileges(database, where, migrations, complete=complete)
    return complete


def _check_privileges(database: Database, where: str, migrations: Migrations, *, complete: bool) -> None:
    """What PostgreSQL lets this user do."""
    if database.execute_sql("SHOW transaction_read_only").fetchone() == ("on",):
        raise LedgerError(f"{where}: is read-only", hint="connect to the primary server")
    if not complete:
        if database.execute_sql(_SCHEMA).fetchone() != (True,):
            raise LedgerError(
                f"{where}: this user cannot create its tables", hint="grant it CREATE on the schema of the database"
            )
        return
    closed = database.execute_sql(_TABLES, (migrations.prefix, migrations.history)).fetchall()
    if closed:
        raise LedgerError(
            f"{where}: this user cannot write to {closed[0][0]}",
            hint="grant it all privileges on the tables of the database",
        )
