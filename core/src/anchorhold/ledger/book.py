"""The ledger as the rest of core sees it: an open database, its transactions, and its three books."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from peewee import PeeweeException

from anchorhold.errors import LedgerError
from anchorhold.ledger.authorities import Authorities
from anchorhold.ledger.certificates import Certificates
from anchorhold.ledger.database import close, drop_dead_connection, open_database
from anchorhold.ledger.events import Events
from anchorhold.ledger.migrate import migrate
from anchorhold.ledger.schema import schema
from anchorhold.settings.show import without_password

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ledger:
    """An open ledger.

    Args:
        url: Of the database, such as ``sqlite:////var/lib/anchorhold/ledger.sqlite3``.

    Raises:
        LedgerError: The database cannot be opened.
        LedgerVersionError, LedgerForeignError: It is not for this version, or not a ledger.
    """

    def __init__(self, url: str) -> None:
        self._where = f"ledger {without_password(url).removeprefix('sqlite:///')}"
        self.database = open_database(url)
        try:
            with self.guarded():
                migrate(self.database, self._where)
        except BaseException:
            close(self.database)
            raise
        tables = schema(self.database)
        self.authorities = Authorities(self.database, tables.authority)
        self.certificates = Certificates(self.database, tables.certificate)
        self.events = Events(tables.event)

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
        try:
            yield
        except PeeweeException as error:
            drop_dead_connection(self.database)
            message = " ".join(str(error).split()) or type(error).__name__
            raise LedgerError(
                f"{self._where}: {message}",
                hint="check that the database is reachable, writable and not full, and repeat",
            ) from error

    def close(self) -> None:
        """Close this thread's connection, and those that no thread uses."""
        close(self.database)
