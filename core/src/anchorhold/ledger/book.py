"""The ledger as the rest of core sees it: an open database, its transactions, and a repository for each table."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from copy import copy
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from peewee import PeeweeException, SqliteDatabase

from anchorhold.databases import (
    close,
    database_exists,
    drop_dead_connection,
    open_database,
    open_nowhere,
    try_files,
    try_tables,
)
from anchorhold.databases.failures import hint_for
from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold.ledger.absence import EMPTY, MAY_CREATE, MISSING, WITHOUT_AUTHORITY, Absence
from anchorhold.ledger.epoch import SELECT_EPOCH, Epoch
from anchorhold.ledger.migrations import MIGRATIONS
from anchorhold.ledger.schema import Schema, schema
from anchorhold.settings.harmless import without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from peewee import Database

    from anchorhold.audit import AuditContext
    from anchorhold.ledger.authorities import Authorities
    from anchorhold.ledger.certificates import Certificates
    from anchorhold.ledger.claims import Claims
    from anchorhold.ledger.crls import Crls
    from anchorhold.ledger.dates import Dates
    from anchorhold.ledger.events import Events
    from anchorhold.ledger.key_copies import KeyCopies
    from anchorhold.ledger.refusals import Refusals
    from anchorhold.ledger.requests import Requests
    from anchorhold.ledger.responders import Responders
    from anchorhold.ledger.revocations import Revocations

_SUBJECT: Final = "ledger"
_ALONE: Final = 0x616E63686F73
"""Number of the advisory lock on PostgreSQL of transactions that want to be alone."""


class Ledger:
    """An open ledger. Its repositories are imported when they are first used.

    Args:
        url: Of the database, such as ``sqlite:////var/lib/anchorhold/ledger.sqlite3``; None for an empty ledger in
            memory, which is gone when it is closed.
        absence: What to do where there is no ledger.
        patience: Seconds in all for which to wait for what another process has locked; by default 30.

    Raises:
        LedgerError: The database cannot be opened, or there is none.
        NoLedgerError: There is none, and no key either.
        LedgerVersionError, LedgerForeignError: It is not for this version, or not a ledger.
    """

    def __init__(self, url: str | None, absence: Absence = MAY_CREATE, *, patience: float | None = None) -> None:
        self._where = _SUBJECT if url is None else _place(url)
        if url is None:
            self.database = open_nowhere()
        else:  # which refuses a URL that cannot be read
            refuse = partial(absence.check, self._where, MISSING, lambda: not ledger_exists(url))
            self.database = open_database(url, _SUBJECT, patience=patience, before_making=refuse)
        try:
            with self.guarded():
                tables = self._opened(absence)
        except BaseException:
            close(self.database)
            raise
        self._tables = tables
        self._epoch = Epoch(self.database, tables.epoch)
        self._audit: AuditContext | None = None

    def _opened(self, absence: Absence) -> Schema:
        """The tables, which are brought to this version, and made where they are to be."""
        if not MIGRATIONS.are_begun(self.database):
            MIGRATIONS.check(self.database, self._where)
            absence.check(self._where, EMPTY, lambda: not MIGRATIONS.are_begun(self.database))
        MIGRATIONS.apply(self.database, self._where)
        tables = schema(self.database)
        if not tables.authority.select().exists():
            absence.check(self._where, WITHOUT_AUTHORITY, lambda: not tables.authority.select().exists())
        return tables

    def acting_as(self, audit: AuditContext) -> Ledger:
        """The same ledger; what is recorded through it says who acted."""
        same = copy(self)
        same._audit = audit  # noqa: SLF001  # of the same class
        for repository in ("certificates", "events", "requests"):
            vars(same).pop(repository, None)
        return same

    @cached_property
    def authorities(self) -> Authorities:
        """Authorities."""
        from anchorhold.ledger.authorities import Authorities

        return Authorities(self._tables.authority, self.guarded)

    @cached_property
    def certificates(self) -> Certificates:
        """Certificates, and the intent to sign them."""
        from anchorhold.ledger.certificates import Certificates

        return Certificates(self.database, self._tables, self._audit)

    @cached_property
    def claims(self) -> Claims:
        """Who is at work on what at the moment."""
        from anchorhold.ledger.claims import Claims

        return Claims(self.database, self._tables.claim)

    @cached_property
    def crls(self) -> Crls:
        """Certificate revocation lists."""
        from anchorhold.ledger.crls import Crls

        return Crls(self._tables.crl, self._tables.crl_part)

    @cached_property
    def dates(self) -> Dates:
        """What is dated in the future."""
        from anchorhold.ledger.dates import Dates

        return Dates(self._tables.certificate, self._tables.revocation, self._tables.responder)

    @cached_property
    def events(self) -> Events:
        """What happened to authorities."""
        from anchorhold.ledger.events import Events

        return Events(self._tables.event, self._tables.authority, self._epoch, self._audit)

    @cached_property
    def key_copies(self) -> KeyCopies:
        """Copies of keys that were left behind."""
        from anchorhold.ledger.key_copies import KeyCopies

        return KeyCopies(self._tables.key_copy)

    @cached_property
    def refusals(self) -> Refusals:
        """Secrets that were refused."""
        from anchorhold.ledger.refusals import Refusals

        return Refusals(self._tables.refusal)

    @cached_property
    def requests(self) -> Requests:
        """Requests that are kept."""
        from anchorhold.ledger.requests import Requests

        return Requests(self._tables.request, self._audit)

    @cached_property
    def responders(self) -> Responders:
        """OCSP responders."""
        from anchorhold.ledger.responders import Responders

        return Responders(self._tables.responder)

    @cached_property
    def revocations(self) -> Revocations:
        """Revocations."""
        from anchorhold.ledger.revocations import Revocations

        return Revocations(self.database, self._tables.revocation)

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[None]:
        """Everything inside is one durable commit, or nothing is.

        Args:
            alone: Whether no other transaction that wants to be alone runs meanwhile: what was looked for and not found
                stays away. On SQLite all that write are alone.

        Raises:
            LedgerError: The database refused.
        """
        with self.guarded(), self.database.atomic():
            if alone and not isinstance(self.database, SqliteDatabase):
                self.database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_ALONE,))
            yield

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn errors of the database into one sentence.

        Raises:
            LedgerError: In their place.
        """
        with _sentences(self.database, self._where):
            yield

    def epoch(self) -> int:
        """A number that changes with each revocation, release, CRL, responder and change of an authority.

        Raises:
            LedgerError: The database refused.
        """
        with self.guarded():
            return self._epoch.read()

    def limit_lock_wait(self, seconds: float) -> None:
        """Wait only so long for what another process has locked, in the connection of this thread; on SQLite only.

        Raises:
            LedgerError: The database refused.
        """
        if isinstance(self.database, SqliteDatabase):
            with self.guarded():
                self.database.execute_sql(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")

    def close(self) -> None:
        """Close this thread's connection, and those that no thread uses."""
        close(self.database)


def ledger_exists(url: str) -> bool:
    """Whether a look into the ledger would not create it; see `anchorhold.databases.database_exists`."""
    return database_exists(url, _SUBJECT)


def epoch_reader(url: str) -> Callable[[], int]:
    """Gives a function that reads the epoch of a ledger over a new connection each time, and makes no ledger.

    Args:
        url: Of the ledger, on a database server. Its function raises LedgerError when the database refuses.

    Raises:
        SettingsError: The URL cannot be read.
    """
    database = open_database(url, _SUBJECT)

    def read() -> int:
        try:
            with _sentences(database, _place(url)):
                return int(database.execute_sql(SELECT_EPOCH).fetchone()[0])
        finally:
            close(database)

    return read


def check_absence(url: str, absence: Absence) -> None:
    """Look whether there is a ledger, and make none.

    Raises:
        LedgerError: See `Absence.check`.
    """
    if not ledger_exists(url):
        absence.check(_place(url), MISSING, lambda: not ledger_exists(url))


def check_database(url: str, absence: Absence = MAY_CREATE) -> bool:
    """Connect to the ledger's database and change nothing in it; one that does not exist yet is fine.

    Returns:
        Whether it is there with the tables of this version, so that opening it changes nothing either.

    Raises:
        SettingsError: The URL cannot be read.
        LedgerError: The database cannot be reached or written, or should be there.
        LedgerVersionError, LedgerForeignError: It is not for this version, or not a ledger.
    """
    if not ledger_exists(url):
        absence.check(_place(url), MISSING, lambda: not ledger_exists(url))
    if not try_files(url, _place(url)):
        return False
    database = open_database(url, _SUBJECT)
    try:
        with _sentences(database, _place(url)):
            complete = try_tables(database, _place(url), MIGRATIONS)
            if not MIGRATIONS.are_begun(database):
                absence.check(_place(url), EMPTY, lambda: not MIGRATIONS.are_begun(database))
            return complete
    finally:
        close(database)


def _place(url: str) -> str:
    return f"{_SUBJECT} {without_password(url).removeprefix('sqlite:///')}"


@contextmanager
def _sentences(database: Database, where: str) -> Iterator[None]:
    try:
        yield
    except (PeeweeException, sqlite3.Error) as error:  # SQLite reads rows when peewee looks away
        drop_dead_connection(database)
        first = _first(error)
        message = " ".join(str(first).split()) or type(first).__name__
        raise LedgerError(f"{where}: {message}", hint=hint_for(message)) from error


def _first(error: Exception) -> Exception:
    """What went wrong at first: when a commit fails, the rollback after it often fails too and would hide why."""
    first: Exception = error
    earlier = error.__context__
    while earlier is not None and not isinstance(earlier, AnchorholdError):
        if isinstance(earlier, PeeweeException):
            first = earlier
        earlier = earlier.__context__
    return first
