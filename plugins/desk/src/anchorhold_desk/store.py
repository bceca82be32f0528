"""The desk's database: opened once, migrated once, a transaction for each step."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from peewee import IntegrityError, PeeweeException

from anchorhold.databases import close, drop_dead_connection, open_database
from anchorhold.errors import LedgerError
from anchorhold_desk.desk_errors import SameTimeError
from anchorhold_desk.migrations import MIGRATIONS
from anchorhold_desk.schema import Tables, tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.databases import Database

SUBJECT = "desk"


def timestamp() -> int:
    """Now, in whole seconds since 1970 UTC."""
    return int(time.time())


class Store:
    """The desk's database. Threads may share it; each has its own connection.

    Args:
        url: Of the database. It is not shown, for it may hold a password.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _opened(self) -> tuple[Database, Tables]:
        database = open_database(self._url, SUBJECT)
        try:
            MIGRATIONS.apply(database, SUBJECT)
        finally:
            database.close()
        return database, tables_of(database)

    @contextmanager
    def transaction(self) -> Iterator[Tables]:
        """The tables, in a transaction that is committed at the end.

        Raises:
            SameTimeError: Another transaction has made the same row.
            LedgerError: The database refuses.
        """
        database, tables = self._opened
        try:
            with database.atomic():
                yield tables
        except IntegrityError as error:
            raise SameTimeError(
                f"{SUBJECT}: the same was done by another at the same time", hint="look at what is there, and retry"
            ) from error
        except PeeweeException as error:
            raise LedgerError(
                f"{SUBJECT}: its database cannot be used ({type(error).__name__})",
                hint="look whether the database can be reached",
            ) from error
        finally:
            drop_dead_connection(database)

    @property
    def database(self) -> Database:
        """The database, opened."""
        return self._opened[0]

    def close(self) -> None:
        """Close the connection of this thread, and those that no thread uses."""
        close(self.database)


def give_back(database: Database) -> None:
    """Give the connection of this thread back to its pool, if there is one: a thread that ends would keep it."""
    if hasattr(database, "close_idle"):
        database.close()
