"""What a worker sees of the ledger, and whether that is all there is: who does not see the newest epoch says nothing.

There may be no ledger yet, the file at its path may have been replaced, or SQLite may show an old picture.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import LedgerError
from anchorhold_server.ledgerfile import GONE, LedgerFile
from anchorhold_server.witness import sqlite_path, witnessed_epoch

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.ledger import Ledger

BUSY: Final = 1.0
"""Seconds for which a thread waits for a SQLite file that somebody has locked; it is read twice (`reread`)."""
BUSY_HERE: Final = 0.05
"""The same for the event loop; a thread tries it again."""
BEHIND: Final = "this worker does not see its newest epoch"
UNREADABLE: Final = "cannot be read; the log says why"
PERSISTENT: Final = 8.0
"""Seconds for which a worker may be behind: the witness may have looked just before an older ledger was restored."""

_ABSENT: Final = ("is not there", "is empty", "has no authority")
"""What core says of a ledger that is none and is not to be made."""
_WAIT: Final = "wait for the worker that takes this one's place"


class BlindError(LedgerError):
    """The newest state of the ledger cannot be seen from here."""


def is_missing(error: LedgerError) -> bool:
    """Whether there is no ledger, or an empty one, as an installation says that is to create none."""
    return _absence(error) is not None


def _absence(error: LedgerError) -> str | None:
    """Which of `_ABSENT` it is; a path is before it, and is not shown."""
    return next((words for words in _ABSENT if f": {words}" in error.problem), None)


class Sight:
    """Opens the ledger once it is there, and reads its epoch. Threads may share it.

    Args:
        installation: Which creates no ledger, and has `BUSY` as its patience.
        folder: Of the server, with what the witness has seen.
    """

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._folder = folder
        path = sqlite_path(installation.access.url)
        self._file = None if path is None else LedgerFile(path)
        self._opening = Lock()
        self._ledger: Ledger | None = None
        self._is_quick_here = False
        self._witnessed: int | None = None
        self._behind_since: float | None = None
        self._absence: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the ledger answers within the time that the way to another thread takes."""
        return self._file is not None

    @property
    def problem(self) -> str | None:
        """What is wrong, in words that anybody may read; None if nothing is known to be."""
        lost = None if self._file is None else self._file.lost(at_once=True)
        if lost is None and self._behind_since is not None:
            lost = BEHIND
        lost = lost or self._absence
        return None if lost is None else f"ledger: {lost}"

    @property
    def incurable(self) -> str | None:
        """What only a new process heals; None if nothing, or as long as there is nothing that it could open."""
        if self._file is not None and self._file.lost():
            return None if self._file.identity is None else self.problem
        since = self._behind_since
        return self.problem if since is not None and time.monotonic() > since + PERSISTENT else None

    def listen(self) -> None:
        """Take in what the witness has seen; to be called about once a second."""
        self._witnessed = witnessed_epoch(self._folder)

    def epoch(self) -> int:
        """The present epoch.

        Raises:
            BlindError: It cannot be seen.
            LedgerError: It cannot be read.
        """
        return self._read(self._opened())

    def epoch_here(self) -> int | None:
        """The same for the event loop, which nothing may keep waiting; None if that takes a thread.

        Raises:
            BlindError: It cannot be seen.
        """
        if self._ledger is None:
            return None
        try:
            if not self._is_quick_here:
                with self._ledger.guarded():  # of the connection of this thread
                    self._ledger.database.execute_sql(f"PRAGMA busy_timeout = {BUSY_HERE * 1000:.0f}")
                self._is_quick_here = True
            return self._read(self._ledger)
        except BlindError:
            raise
        except LedgerError:
            return None

    def _read(self, ledger: Ledger) -> int:
        witnessed = self._witnessed
        self._check_file()
        value = ledger.epoch()
        if witnessed is not None and value < witnessed:
            self._behind_since = self._behind_since or time.monotonic()
            raise BlindError(f"ledger: {BEHIND} ({value} instead of {witnessed} or more)", hint=_WAIT)
        self._behind_since = None
        return value

    def _check_file(self) -> None:
        lost = None if self._file is None else self._file.lost()
        if lost is not None:
            raise BlindError(f"ledger: {lost}", hint="put it there" if lost == GONE else _WAIT)

    def _opened(self) -> Ledger:
        with self._opening:
            if self._ledger is None:
                self._ledger = self._open()
            return self._ledger

    def _open(self) -> Ledger:
        before = None if self._file is None else self._file.identity
        try:
            ledger = self._installation.ledger
        except LedgerError as error:
            self._absence = _absence(error)
            raise
        self._absence = None
        if self._file is not None:
            self._file.open(before)
        return ledger
