"""A worker that cannot be healed ends itself in order, and the starter makes a new one in its place."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from threading import Timer
from typing import TYPE_CHECKING, Final

from anchorhold_server.folder import ensure

if TYPE_CHECKING:
    from pathlib import Path

SETTLED: Final = 8.0
"""Seconds from its start in which a worker does not end itself: granian gives the whole server up if a worker that it
has replaced ends within 5.5."""
APART: Final = 4.0
"""Seconds between workers of a server, for granian may forget one of two that end at the same moment."""
STOPPING: Final = 20.0
"""Seconds after which a worker that does not end is ended at once: a thread may hang in a module."""

logger = logging.getLogger(__name__)


class Rebirth:
    """Of one worker. The event loop alone touches it.

    Args:
        folder: Shared by the workers of a server.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._born = time.monotonic()
        self._begun = False

    def begin(self, reason: str) -> bool:
        """End this worker, unless it is too early; the answer is whether it ends.

        Args:
            reason: For the log, without secrets.
        """
        if not self._begun and time.monotonic() >= self._born + SETTLED and self._is_its_turn():
            self._begun = True
            logger.warning("this worker ends, for a new one to take its place", extra={"details": {"reason": reason}})
            last = Timer(STOPPING, os._exit, (1,))
            last.daemon = True
            last.start()
            os.kill(os.getpid(), signal.SIGTERM)
        return self._begun

    def _is_its_turn(self) -> bool:
        """Whether no other worker of the server has ended itself a moment ago; noted, if so."""
        ensure(self._folder)
        with (self._folder / "rebirths").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            moment = time.monotonic()  # one clock for all processes
            if moment < float(file.read() or "-inf") + APART:
                return False
            file.truncate(0)
            file.write(str(moment))
            return True
