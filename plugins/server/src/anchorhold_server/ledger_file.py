"""The files of a ledger on SQLite: whether those that this process has open are still those at their places.

They are only looked at by their names: opening and closing one would drop the locks of this process on it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

GONE: Final = "is gone"
REPLACED: Final = "was replaced by another file"
CUT_OFF: Final = "its write-ahead log was removed or replaced"

SUFFIXES: Final = ("-wal", "-shm")
"""Suffixes of the files that SQLite keeps beside a database; it removes neither while a connection is open."""
CHECK_INTERVAL: Final = 0.05
"""Seconds between checks."""

Identity = tuple[int, int]
"""Of a file, whatever its name: of its device, and its own."""


class LedgerFile:
    """What was opened, and what is there now. Threads may share it.

    Once something has changed it stays lost, also if the file is moved back: meanwhile other processes may have found
    nobody at work, and SQLite shares what it knows of a file within a process.

    Args:
        path: Of the database.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._beside: dict[str, Identity] = {}
        self._opened: Identity | None = None
        self._real = self._path
        self._lost: str | None = None
        self._check_at = 0.0

    @property
    def identity(self) -> Identity | None:
        """Of the file that is there now; None if there is none, or this account may not look."""
        return _identity(self._path)

    def open(self, before: Identity | None) -> None:
        """It was opened.

        Args:
            before: What was there just before.
        """
        self._opened, self._real = before, os.path.realpath(self._path)
        self._lost = None if before is not None else REPLACED

    def lost(self, *, at_once: bool = False) -> str | None:
        """Why what is open is not the ledger any more; None if it is, or nothing was opened yet.

        Args:
            at_once: Check now, however short ago that was done.
        """
        moment = time.monotonic()
        if self._lost is None and self._opened is not None and (at_once or moment >= self._check_at):
            self._check_at = moment + CHECK_INTERVAL
            self._lost = self._change()
        return self._lost

    def _change(self) -> str | None:
        found = self.identity
        if found != self._opened:
            return GONE if found is None else REPLACED
        for ending in SUFFIXES:
            beside = _identity(self._real + ending)
            if beside is not None and ending not in self._beside:
                self._beside[ending] = beside
            elif beside != self._beside.get(ending):
                return CUT_OFF
        return None


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # for each request, nearly
    except OSError:
        return None
    return found.st_dev, found.st_ino
