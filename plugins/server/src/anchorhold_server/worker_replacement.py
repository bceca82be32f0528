"""A worker that cannot recover ends itself in order, and the parent starts a new one in its place."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from threading import Timer
from typing import TYPE_CHECKING, Final

from anchorhold_server.runtime_dir import ensure_dir

if TYPE_CHECKING:
    from pathlib import Path

MIN_AGE: Final = 8.0
"""Seconds from its start in which a worker does not end itself: granian stops the whole server if a worker that it has
replaced ends within 5.5."""
MIN_INTERVAL: Final = 4.0
"""Seconds between workers of a server, for granian may forget one of two that end at the same moment."""
STOP_TIMEOUT: Final = 20.0
"""Seconds after which a worker that does not end is ended at once: a thread may hang in a module."""

logger = logging.getLogger(__name__)


class WorkerReplacement:
    """The replacement of one worker. The event loop alone uses it.

    Args:
        folder: The runtime directory, which the workers of a server share.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = time.monotonic()
        self._requested = False

    def request(self, reason: str) -> bool:
        """End this worker, unless it is too early; returns whether it ends.

        Args:
            reason: For the log, without secrets.
        """
        if not self._requested and time.monotonic() >= self._started + MIN_AGE and self._is_its_turn():
            self._requested = True
            logger.warning("this worker ends, for a new one to take its place", extra={"details": {"reason": reason}})
            last = Timer(STOP_TIMEOUT, os._exit, (1,))
            last.daemon = True
            last.start()
            os.kill(os.getpid(), signal.SIGTERM)
        return self._requested

    def _is_its_turn(self) -> bool:
        """Whether no other worker of the server has ended itself a moment ago; noted, if so."""
        ensure_dir(self._folder)
        with (self._folder / "replacements").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            moment = time.monotonic()  # one clock for all processes
            if moment < float(file.read() or "-inf") + MIN_INTERVAL:
                return False
            file.truncate(0)
            file.write(str(moment))
            return True
