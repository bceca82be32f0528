"""Reading the revision of the ledger through a new connection each time, which shows what others have committed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from peewee import PeeweeException

from anchorhold.databases import close, file_of, open_database
from anchorhold.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SELECT: Final = 'SELECT value FROM "anchorhold_epoch"'
BUSY: Final = 1.0
"""Seconds for which a locked file is waited for."""


def fresh_revision_reader(url: str) -> Callable[[], int]:
    """A function that reads the revision through a new connection, and closes that.

    The function raises `LedgerError` if the revision cannot be read.

    Args:
        url: Of the ledger's database. A SQLite file is opened read-only, so none is created.
    """
    path = file_of(url)
    read = _server_reader(url) if path is None else lambda: _read_file(path)

    def guarded() -> int:
        try:
            return read()
        except (PeeweeException, sqlite3.Error) as error:
            raise LedgerError("ledger: its revision cannot be read", hint="repeat it later") from error

    return guarded


def _read_file(path: Path) -> int:
    """Read-only: a connection that may not write leaves the write-ahead log alone."""
    url = f"file:{quote(str(path.absolute()))}?mode=ro"
    with closing(sqlite3.connect(url, uri=True, timeout=BUSY)) as connection:
        return int(connection.execute(SELECT).fetchone()[0])


def _server_reader(url: str) -> Callable[[], int]:
    database = open_database(url, "ledger")

    def read() -> int:
        try:
            return int(database.execute_sql(SELECT).fetchone()[0])
        finally:
            close(database)

    return read
