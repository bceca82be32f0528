"""Transactions whose commit is ordered and not synced, because a later one makes them durable."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from peewee import SqliteDatabase

from anchorhold.databases.connect import roll_back

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from peewee import Database


def ordered(database: Database) -> AbstractContextManager[None]:
    """Around a transaction: its commit outlives the process and not the machine.

    Others see it at once. The next synced commit of anybody that changes something makes it durable with its own, for
    both databases write one log from its beginning to its end; a crash before that leaves neither of the two. A commit
    that changes nothing syncs nothing.

    Args:
        database: Not in a transaction.
    """
    return _ordered_on_sqlite(database) if isinstance(database, SqliteDatabase) else _ordered_on_postgresql(database)


@contextmanager
def _ordered_on_postgresql(database: Database) -> Iterator[None]:
    with database.transaction():
        database.execute_sql("SET LOCAL synchronous_commit TO off")
        yield


@contextmanager
def _ordered_on_sqlite(database: Database) -> Iterator[None]:
    """``synchronous = normal`` for the connection of this thread, which is closed if it cannot be undone."""
    try:
        database.execute_sql("PRAGMA synchronous = normal")
        with database.transaction():
            yield
    except BaseException:
        roll_back(database)  # interrupted as it began, a transaction is still open, and allows no such pragma
        raise
    finally:
        try:
            database.execute_sql("PRAGMA synchronous = full")
        except BaseException:
            database.close()
            raise
