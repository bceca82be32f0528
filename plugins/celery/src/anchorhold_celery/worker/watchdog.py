"""A look, once a second, whether the processes of a worker still take what it receives; if not, it begins again.

A worker receives as many requests as it has processes that are free. One that no process takes is stuck: a process that
died at the wrong moment has left Celery's pool with a place that it believes to be in use. Nothing of the pool can be
told to forget that, so the program is executed again, in the same process; what was received is delivered again.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from celery.worker import state

if TYPE_CHECKING:
    from collections.abc import Iterable

STUCK_AFTER: Final = 20.0
"""Seconds after which a request counts as stuck; a new process needs less to open what it needs."""
_PERIOD: Final = 1.0

logger = logging.getLogger(__name__)


class Watchdog:
    """Watches one worker, from its parent process."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._thread: Thread | None = None

    def start(self, sender: Any = None, **_: object) -> None:
        """Begin; a worker says again that it is ready whenever it has found its broker again.

        Args:
            sender: The consumer of the worker.
        """
        if self._thread is None:
            self._thread = Thread(target=self._run, args=(sender,), name="watchdog", daemon=True)
            self._thread.start()

    def _run(self, consumer: Any) -> None:
        while not (state.should_stop or state.should_terminate):
            time.sleep(_PERIOD)
            try:
                waiting = {each.id for each in list(state.reserved_requests)}
                waiting -= {each.id for each in list(state.active_requests)}
            except RuntimeError:  # both are changed by another thread
                continue
            if self._is_stuck(waiting):
                logger.critical("no process has taken a request for %.0f s; the worker begins again", STUCK_AFTER)
                _begin_again(process.pid for process in consumer.pool._pool._pool)  # noqa: SLF001

    def _is_stuck(self, waiting: Iterable[str]) -> bool:
        """Whether one of the requests that wait now has waited for too long."""
        now = time.monotonic()
        self._since = {each: self._since.get(each, now) for each in waiting}
        return any(now - since > STUCK_AFTER for since in self._since.values())


def _begin_again(processes: Iterable[int]) -> None:
    """Execute the program again, without the processes that it has started."""
    for process in processes:
        with suppress(ProcessLookupError, ChildProcessError):  # Celery may have noticed that it died
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # nothing that was not executed before
