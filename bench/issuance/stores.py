"""Where the limit records certificates: a table in SQLite or PostgreSQL, by the drivers themselves."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row: TypeAlias = "tuple[Any, ...]"

_COLUMNS = {
    "authority": "integer NOT NULL",
    "serial": "text NOT NULL",
    "status": "text NOT NULL",
    "profile": "text NOT NULL",
    "subject": "text NOT NULL",
    "names": "text NOT NULL",
    "not_before": "bigint NOT NULL",
    "not_after": "bigint NOT NULL",
    "tbs": "bytea",
    "certificate": "bytea",
    "reserved": "bigint NOT NULL",
    "issued": "bigint",
}
"""What a ledger cannot do without. SQLite takes any name of a type; these mean the same to both."""
_TABLE = f"CREATE TABLE certificate (id {{id}}, {', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())})"
_INDEX = "CREATE UNIQUE INDEX by_serial ON certificate (authority, serial)"
_RESERVE = f"INSERT INTO certificate ({', '.join(_COLUMNS)}) VALUES ({', '.join(['{mark}'] * len(_COLUMNS))})"  # noqa: S608
_COMPLETE = (
    "UPDATE certificate SET status = 'issued', certificate = {mark}, issued = {mark}, tbs = NULL "
    "WHERE authority = {mark} AND serial = {mark}"
)


class Store(Protocol):
    """Records certificates; each method is one durable commit."""

    def reserve(self, rows: Sequence[Row]) -> None:
        """Insert rows, with values in the order of the columns; the commit is ordered, not synced."""

    def complete(self, rows: Sequence[Row]) -> None:
        """Update rows: certificate, moment, authority, serial number; the commit is synced, with all before it."""


class SqliteStore:
    """A SQLite file with WAL; ``synchronous`` is NORMAL for the first commit and FULL for the second."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA journal_mode = wal")
        self._database.execute(_TABLE.format(id="integer PRIMARY KEY"))
        self._database.execute(_INDEX)

    def reserve(self, rows: Sequence[Row]) -> None:
        """As `Store` says."""
        self._commit("normal", _RESERVE, rows)

    def complete(self, rows: Sequence[Row]) -> None:
        """As `Store` says."""
        self._commit("full", _COMPLETE, rows)

    def _commit(self, synchronous: str, statement: str, rows: Sequence[Row]) -> None:
        self._database.execute(f"PRAGMA synchronous = {synchronous}")
        with self._database:
            self._database.executemany(statement.format(mark="?"), rows)


class PostgresqlStore:
    """An empty PostgreSQL database; the second commit has the server's own setting of durability."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url, autocommit=True)
        for statement in (_TABLE.format(id="bigserial PRIMARY KEY"), _INDEX):
            self._connection.execute(statement.encode())

    def reserve(self, rows: Sequence[Row]) -> None:
        """As `Store` says."""
        with self._connection.transaction():
            self._connection.execute(b"SET LOCAL synchronous_commit TO off")
            self._write(_RESERVE, rows)

    def complete(self, rows: Sequence[Row]) -> None:
        """As `Store` says."""
        with self._connection.transaction():
            self._write(_COMPLETE, rows)

    def _write(self, template: str, rows: Sequence[Row]) -> None:
        statement = template.format(mark="%s").encode()
        with self._connection.cursor() as cursor:
            if len(rows) == 1:
                cursor.execute(statement, rows[0])  # executemany would open a pipeline for it
            else:
                cursor.executemany(statement, rows)


def open_store(url: str, folder: Path) -> Store:
    """The store in the database of that URL; with an empty one, in a SQLite file in the folder."""
    return PostgresqlStore(url) if url else SqliteStore(folder / "limit.sqlite3")
