"""The clock by which deadlines hold: that of the database, because the clocks of two hosts differ."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_HOLDS: Final = 60.0
"""Seconds after which the database is asked again; clocks do not drift noticeably in that time."""


class LedgerClock:
    """Tells the time of the database, which it asks once a minute.

    Args:
        read: Asks it: seconds since 1970.
    """

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._lock = Lock()
        self._offset: float | None = None
        self._asked = 0.0

    def now(self) -> float:
        """Seconds since 1970, by the clock of the database.

        Raises:
            LedgerError: The database cannot be asked.
        """
        with self._lock:
            moment = time.monotonic()
            if self._offset is None or moment - self._asked > _HOLDS:
                self._offset, self._asked = self._read() - time.monotonic(), moment
            return self._offset + time.monotonic()
