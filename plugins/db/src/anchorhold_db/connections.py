"""Where the table of keys is: in the ledger's database, or in a separate one."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

from anchorhold.databases import (
    check_files,
    check_tables,
    close,
    database_exists,
    drop_dead_connection,
    open_database,
)
from anchorhold.errors import BackendFailedError, LedgerError, SettingsError
from anchorhold.settings.masking import mask_password
from anchorhold_db.migrations import MIGRATIONS
from anchorhold_db.options import check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from peewee import Database

T = TypeVar("T")


class KeyDatabase(Protocol):
    """A database with the table of keys."""

    name: str
    """For messages; never with a password."""

    def run(self, work: Callable[[Database], T], *, may_create: bool) -> T:
        """Do something with the database, with its tables in place. Threads may do so at once.

        Args:
            work: What to do.
            may_create: Whether a database that is not there is created; else that is an error.
        """

    def check(self) -> None:
        """Find out whether keys can be read and written there; nothing is made, and tables may be missing.

        Raises:
            AnchorholdError, PeeweeException: They cannot.
        """

    def forget_lost_connection(self) -> bool:
        """After an error: whether the server had closed the connection, so that it makes sense to try once more."""


class SharedDatabase:
    """The ledger's database, on the connection that the thread has to it anyway, and that core closes.

    Args:
        subject: What to call the backend in messages.
        open_ledger: Opens it.
    """

    def __init__(self, subject: str, open_ledger: Callable[[], Database]) -> None:
        self.name = f"{subject}, in the ledger's database"
        self._open = open_ledger
        self._migrated = False

    def run(self, work: Callable[[Database], T], *, may_create: bool) -> T:
        """See `KeyDatabase.run`; the ledger is always there when keys are used."""
        database = self._open()
        if not self._migrated:
            MIGRATIONS.apply(database, self.name)
            self._migrated = True
        return work(database)

    def check(self) -> None:
        """See `KeyDatabase.check`; what keeps the ledger itself from being used is said of the ledger."""
        database = self._open()
        with _as_backend_failed():
            check_tables(database, self.name, MIGRATIONS)

    def forget_lost_connection(self) -> bool:
        """See `KeyDatabase.forget_lost_connection`."""
        database = self._open()
        if database.is_closed():
            return False
        drop_dead_connection(database)
        if not database.is_closed():
            return False
        close(database)  # what else lies in the pool is as old, and as dead
        return True


class DedicatedDatabase:
    """A separate database, connected to for each operation: nothing tells when a connection can be closed.

    Args:
        subject: What to call the backend in messages.
        url: Of the database.

    Raises:
        SettingsError: It is not the URL of a database that can be used.
    """

    def __init__(self, subject: str, url: str) -> None:
        try:
            self._url = check_url(url)
        except ValueError as error:
            raise SettingsError(f"{subject}: the URL of its database cannot be used", hint=str(error)) from None
        self._subject = f"{subject}, database"
        self.name = f"{self._subject} {mask_password(url).removeprefix('sqlite:///')}"
        self._opening = Lock()
        self._database: Database | None = None

    def run(self, work: Callable[[Database], T], *, may_create: bool) -> T:
        """See `KeyDatabase.run`."""
        database = self._opened(may_create=may_create)
        try:
            return work(database)
        finally:
            close(database)

    def check(self) -> None:
        """See `KeyDatabase.check`."""
        with _as_backend_failed():
            if not check_files(self._url, self.name):
                return
        database = self._open()
        try:
            with _as_backend_failed():
                check_tables(database, self.name, MIGRATIONS)
        finally:
            close(database)

    def forget_lost_connection(self) -> bool:
        """See `KeyDatabase.forget_lost_connection`; each operation has a fresh one."""
        return False

    def _opened(self, *, may_create: bool) -> Database:
        with self._opening:
            if not self._exists():  # never was, or is on a file system that is not there
                if not may_create:
                    raise BackendFailedError(f"{self.name}: is not there", hint="mount it, or restore it from a backup")
                self._database = None
            if self._database is None:
                database = self._open()
                try:
                    MIGRATIONS.apply(database, self.name)
                finally:
                    close(database)
                self._database = database
            return self._database

    def _exists(self) -> bool:
        with _as_backend_failed("check the permissions of its folder"):
            return database_exists(self._url, self._subject)

    def _open(self) -> Database:
        with _as_backend_failed("name another place"):
            return open_database(self._url, self._subject)


@contextmanager
def _as_backend_failed(hint: str | None = None) -> Iterator[None]:
    """What core says of databases, said of a backend; with another hint where core's is about the ledger."""
    try:
        yield
    except LedgerError as error:
        raise BackendFailedError(error.problem, hint=hint or error.hint) from error
