"""The ledger as the rest of core sees it: an open database, its transactions, and its books."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from peewee import PeeweeException

from anchorhold.databases import close, database_exists, drop_dead_connection, open_database
from anchorhold.databases.failures import hint_for
from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold.ledger.authorities import Authorities
from anchorhold.ledger.certificates import Certificates
from anchorhold.ledger.claims import Claims
from anchorhold.ledger.crls import Crls
from anchorhold.ledger.epoch import Epoch
from anchorhold.ledger.events import Events
from anchorhold.ledger.migrations import MIGRATIONS
from anchorhold.ledger.refusals import Refusals
from anchorhold.ledger.responders import Responders
from anchorhold.ledger.revocations import Revocations
from anchorhold.ledger.schema import schema
from anchorhold.settings.show import without_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database

_SUBJECT: Final = "ledger"


class Ledger:
    """An open ledger.

    Args:
        url: Of the database, such as ``sqlite:////var/lib/anchorhold/ledger.sqlite3``.

    Raises:
        LedgerError: The database cannot be opened.
        LedgerVersionError, LedgerForeignError: It is not for this version, or not a ledger.
    """

    def __init__(self, url: str) -> None:
        self.database = open_database(url, _SUBJECT)  # which refuses a URL that cannot be read
        self._where = _place(url)
        try:
            with self.guarded():
                MIGRATIONS.apply(self.database, self._where)
        except BaseException:
            close(self.database)
            raise
        tables = schema(self.database)
        self.authorities = Authorities(tables.authority, self.guarded)
        self.certificates = Certificates(self.database, tables.certificate, tables.revocation, tables.responder)
        self._epoch = Epoch(self.database, tables.epoch)
        self.events = Events(tables.event, self._epoch)
        self.revocations = Revocations(self.database, tables.revocation)
        self.crls = Crls(tables.crl, tables.crl_part)
        self.responders = Responders(tables.responder)
        self.claims = Claims(self.database, tables.claim)
        self.refusals = Refusals(tables.refusal)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is one durable commit, or nothing is.

        Raises:
            LedgerError: The database refused.
        """
        with self.guarded(), self.database.atomic():
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

    def close(self) -> None:
        """Close this thread's connection, and those that no thread uses."""
        close(self.database)


def ledger_exists(url: str) -> bool:
    """Whether a look into the ledger would not create it; see `anchorhold.databases.database_exists`."""
    return database_exists(url, _SUBJECT)


def check_database(url: str) -> None:
    """Connect to the ledger's database and change nothing in it; one that does not exist yet is fine.

    Raises:
        SettingsError, LedgerError: The URL cannot be read, or the database not be reached.
        LedgerVersionError, LedgerForeignError: It is not for this version, or not a ledger.
    """
    if not ledger_exists(url):
        return
    database = open_database(url, _SUBJECT)
    try:
        with _sentences(database, _place(url)):
            MIGRATIONS.check(database, _place(url))
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
