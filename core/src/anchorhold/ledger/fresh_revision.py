"""Reading the revision of the ledger through a new connection each time, which shows what others have committed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from anchorhold.databases import connect_read_only, file_of
from anchorhold.errors import LedgerError
from anchorhold.ledger.ledger import revision_reader
from anchorhold.ledger.revision import SELECT_REVISION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUSY: Final = 1.0
"""Seconds for which a locked file is waited for."""


def fresh_revision_reader(url: str) -> Callable[[], int]:
    """A function that reads the revision through a new connection, and closes that.

    The function raises `LedgerError` if the revision cannot be read.

    Args:
        url: Of the ledger's database. A SQLite file is opened read-only, so none is created.
    """
    path = file_of(url)
    if path is None:
        return revision_reader(url)

    def read() -> int:
        try:
            return _read_file(path)
        except sqlite3.Error as error:
            raise LedgerError("ledger: its revision cannot be read", hint="retry later") from error

    return read


def _read_file(path: Path) -> int:
    with closing(connect_read_only(path, BUSY)) as connection:
        return int(connection.execute(SELECT_REVISION).fetchone()[0])
