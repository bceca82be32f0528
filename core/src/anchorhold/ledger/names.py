"""Names of authorities for shell completion: read without creating, migrating or locking a ledger."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from anchorhold.databases import close, connect_read_only, file_of, open_database

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE: Final = 1.0
"""Seconds to wait for a locked database."""
_SELECT: Final = "SELECT name FROM anchorhold_authority WHERE status <> 'abandoned' ORDER BY name"


def authority_names(url: str) -> list[str]:
    """Names of the authorities in a ledger, sorted.

    Args:
        url: Of the ledger's database. A SQLite file is opened read-only.

    Raises:
        Exception: There is no ledger or it cannot be read; the class depends on the database.
    """
    path = file_of(url)
    return _from_server(url) if path is None else _from_file(path)


def _from_file(path: Path) -> list[str]:
    with closing(connect_read_only(path, _PATIENCE)) as connection:
        return [name for (name,) in connection.execute(_SELECT)]


def _from_server(url: str) -> list[str]:
    database = open_database(url, "ledger", lock_timeout=_PATIENCE)
    try:
        return [name for (name,) in database.execute_sql(_SELECT)]
    finally:
        close(database)
