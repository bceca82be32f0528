"""Opening the ledger of an installation when it is first needed, and creating none where that is not wanted."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, TypedDict, Unpack

from anchorhold.databases import close, open_database, open_in_memory
from anchorhold.ledger import Ledger, MissingLedgerPolicy, NoLedgerError, check_missing_ledger, ledger_exists
from anchorhold.ledger.database_check import check_database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.databases import Database
    from anchorhold.settings import LoadedSettings


class AccessOptions(TypedDict, total=False):
    """How the ledger of an installation is opened.

    Attributes:
        create: Whether a ledger that does not exist is created (default); beside keys none is ever created.
        blank: With ``create=False``: where there is neither a ledger nor a key, read an empty one in memory.
        trial: Whether backends get the database as it is, and never one that was created or migrated for them.
        patience: Seconds in all to wait for a ledger that another process has locked (default: 30).
    """

    create: bool
    blank: bool
    trial: bool
    patience: float | None


class LedgerAccess:
    """The ledger of an installation. Threads may share it; each has a connection, which it closes with `close`.

    Args:
        loaded: The settings.
        environment: The variables that references in the settings are resolved with.
        options: How it is opened.

    Raises:
        TypeError: There is no such option: a misspelt ``create=False`` would create a ledger.

    Attributes:
        environment: The same.
    """

    def __init__(
        self, loaded: LoadedSettings, environment: Mapping[str, str], **options: Unpack[AccessOptions]
    ) -> None:
        unknown = sorted(set(options) - set(AccessOptions.__annotations__))
        if unknown:
            raise TypeError(f"installation: unexpected arguments: {', '.join(unknown)}")
        self._loaded = loaded
        self.environment = environment
        self._options = options
        self._opening = Lock()
        self._ledger: Ledger | None = None
        self._blank: Ledger | None = None
        self._tried: Database | None = None

    @property
    def url(self) -> str:
        """URL of the database, which may hold a password.

        Raises:
            SettingsError: The variable or file that the settings name for it does not exist.
        """
        return self._loaded.database_url(self.environment)

    @property
    def absence(self) -> MissingLedgerPolicy:
        """What is done where there is no ledger, and the folders in which keys say that there was one."""
        return MissingLedgerPolicy(
            self._options.get("create", True), partial(self._loaded.folders_of_keys, self.environment)
        )

    @property
    def exists(self) -> bool:
        """Whether there is a ledger, so that opening it does not create one."""
        return ledger_exists(self.url)

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened.

        Raises:
            LedgerError, LedgerVersionError, LedgerForeignError: It cannot be opened.
        """
        with self._opening:
            if self._ledger is None:
                absence, url = self.absence, self.url
                try:
                    self._ledger = Ledger(url, absence, patience=self._options.get("patience"))
                except NoLedgerError:
                    if not self._options.get("blank"):
                        raise
                    self._blank = self._blank or Ledger(None)
                    return self._blank
            return self._ledger

    def check_absence(self) -> None:
        """Raise where a ledger does not exist but must; creates none.

        Raises:
            LedgerError: See `MissingLedgerPolicy.check`.
        """
        check_missing_ledger(self.url, self.absence)

    def database(self) -> Database:
        """The database for backends that keep keys in it.

        Raises:
            LedgerError, SettingsError: It cannot be opened, or with ``trial`` not be used.
        """
        if not self._options.get("trial"):
            return self.ledger.database
        if self._tried is None:
            url = self.url
            check_database(url, self.absence)
            self._tried = open_database(url) if ledger_exists(url) else open_in_memory()
        return self._tried

    def close(self) -> None:
        """Close this thread's connections, if any were opened."""
        for ledger in (self._ledger, self._blank):
            if ledger is not None:
                ledger.close()
        if self._tried is not None:
            close(self._tried)
        self._blank = None
