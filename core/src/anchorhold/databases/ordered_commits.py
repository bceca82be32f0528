"""Transactions whose commit is ordered and not synced, because a later one makes them durable."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from peewee import SqliteDatabase

from anchorhold.databases.connect import roll_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database


@contextmanager
def ordered(database: Database) -> Iterator[None]:
    """Around a transaction: its commit outlives the process and not the machine.

    Others see it at once. The next synced commit of anybody that changes something makes it durable with its own, for
    both databases write one log from its beginning to its end; a crash before that leaves neither of the two. A commit
    that changes nothing syncs nothing.

    Args:
        database: Not in a transaction.
    """
    if isinstance(database, SqliteDatabase):
        with _relaxed(database), database.atomic():
            yield
    else:
        with database.atomic():
            database.execute_sql("SET LOCAL synchronous_commit TO off")
            yield


@contextmanager
def _relaxed(database: Database) -> Iterator[None]:
    """``synchronous = normal`` for the connection of this thread, which is closed if it cannot be undone."""
    try:
        database.execute_sql("PRAGMA synchronous = normal")
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
