"""Whether a worker sees the newest state of the ledger: one that does not must not answer from it.

There may be no ledger yet, the file at its path may have been replaced, or SQLite may show an old state.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.databases import file_of
from anchorhold.errors import LedgerError
from anchorhold_server.ledger_file import GONE, LedgerFile
from anchorhold_server.revision_watcher import watched_revision

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold_server.ledger_reader import LedgerReader

BUSY: Final = 1.0
"""Seconds for which a thread waits for a SQLite file that is locked; it is read twice (`reread`)."""
BUSY_IN_LOOP: Final = 0.05
"""The same for the event loop; a thread tries it again."""
BEHIND: Final = "this worker does not see its newest revision"
UNREADABLE: Final = "cannot be read; the log says why"
PERSISTENT: Final = 8.0
"""Seconds for which a worker may be behind: the watcher may have read just before an older ledger was restored."""

_ABSENT: Final = ("is not there", "is empty", "has no authority")
"""What core says of a ledger that is missing and must not be created."""
_WAIT: Final = "wait for the worker that takes this one's place"


class StaleLedgerError(LedgerError):
    """The newest state of the ledger cannot be seen from here."""


def is_missing(error: LedgerError) -> bool:
    """Whether the error says that there is no ledger, or an empty one."""
    return _absence(error) is not None


def _absence(error: LedgerError) -> str | None:
    """Which of `_ABSENT` it is; a path is before it, and is not shown."""
    return next((words for words in _ABSENT if f": {words}" in error.problem), None)


class LedgerConnection:
    """Opens the ledger once it is there, and reads its revision. Threads may share it.

    Args:
        reader: Reads the ledger; its installation must create none, and wait for `BUSY` seconds.
        folder: The runtime directory, with what the revision watcher has seen.
    """

    def __init__(self, reader: LedgerReader, folder: Path) -> None:
        self._reader = reader
        self._folder = folder
        path = file_of(reader.database_url)
        self._file = None if path is None else LedgerFile(path)
        self._opening = Lock()
        self._is_open = False
        self._is_limited_in_loop = False
        self._watched: int | None = None
        self._behind_since: float | None = None
        self._absence: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the ledger answers within the time that the way to another thread takes."""
        return self._file is not None

    @property
    def problem(self) -> str | None:
        """What is wrong, without paths or secrets; None if nothing is known to be."""
        lost = None if self._file is None else self._file.lost(at_once=True)
        if lost is None and self._behind_since is not None:
            lost = BEHIND
        lost = lost or self._absence
        return None if lost is None else f"ledger: {lost}"

    @property
    def incurable(self) -> str | None:
        """What only a new process can repair; None if nothing, or while there is nothing that it could open."""
        if self._file is not None and self._file.lost():
            return None if self._file.identity is None else self.problem
        since = self._behind_since
        return self.problem if since is not None and time.monotonic() > since + PERSISTENT else None

    def update(self) -> None:
        """Read what the revision watcher has seen; to be called about once a second."""
        self._watched = watched_revision(self._folder)

    def revision(self) -> int:
        """The present revision.

        Raises:
            StaleLedgerError: It cannot be seen.
            LedgerError: It cannot be read.
        """
        self._open()
        return self._read()

    def revision_in_loop(self) -> int | None:
        """The same for the event loop, which must not wait; None if that takes a thread.

        Raises:
            StaleLedgerError: It cannot be seen.
        """
        if not self._is_open:
            return None
        try:
            if not self._is_limited_in_loop:
                self._reader.limit_lock_wait(BUSY_IN_LOOP)
                self._is_limited_in_loop = True
            return self._read()
        except StaleLedgerError:
            raise
        except LedgerError:
            return None

    def _read(self) -> int:
        watched = self._watched
        self._check_file()
        value = self._reader.revision()
        if watched is not None and value < watched:
            self._behind_since = self._behind_since or time.monotonic()
            raise StaleLedgerError(f"ledger: {BEHIND} ({value} instead of {watched} or more)", hint=_WAIT)
        self._behind_since = None
        return value

    def _check_file(self) -> None:
        lost = None if self._file is None else self._file.lost()
        if lost is not None:
            raise StaleLedgerError(f"ledger: {lost}", hint="put it there" if lost == GONE else _WAIT)

    def _open(self) -> None:
        with self._opening:
            if self._is_open:
                return
            before = None if self._file is None else self._file.identity
            try:
                self._reader.open()
            except LedgerError as error:
                self._absence = _absence(error)
                raise
            self._absence = None
            if self._file is not None:
                self._file.open(before)
            self._is_open = True
