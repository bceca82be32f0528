"""A thread of each process of the worker that says in the ledger that it runs."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.installation import Installation

PERIOD: Final = 30.0
"""Seconds between two rows; a worker counts as running for two minutes."""
_RETRY: Final = 5.0
"""Seconds after which it is tried again where it failed, as before the first authority is there."""
_TIDYING: Final = 120
"""Periods after which old requests are forgotten: an hour."""

logger = logging.getLogger(__name__)


class Heartbeat:
    """Says that a process runs, and when it signed last.

    Args:
        installation: Of this host.
        name: Of the process among workers.
        aliases: That it lends.
        signed: How many signatures it has made.
        tidy: Forgets what is old.
        report: Writes metrics.
    """

    def __init__(
        self,
        installation: Installation,
        name: str,
        aliases: Sequence[str],
        signed: Callable[[], int],
        tidy: Callable[[], None],
        report: Callable[[], None],
    ) -> None:
        self._installation = installation
        self._name = name
        self._aliases = aliases
        self._signed = signed
        self._tidy = tidy
        self._report = report
        self._over = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and say so in the ledger."""
        self._over.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        told = periods = 0
        known, failed, pause = False, "", 0.0
        while not self._over.wait(pause):
            pause = PERIOD
            signed = self._signed()
            try:
                if not known:
                    self._installation.workers.begin(self._name, self._aliases)
                known = self._installation.workers.see(self._name, signed=signed > told)
                told, failed = signed, ""
                if periods % _TIDYING == 0:
                    self._tidy()
            except AnchorholdError as error:
                if failed != str(error):
                    logger.warning("the ledger could not be told that this worker runs: %s", error)
                failed, pause = str(error), _RETRY
            finally:
                self._installation.close()
            self._report()
            periods += 1
        self._report()
        try:
            self._installation.workers.end(self._name)
        except AnchorholdError as error:
            logger.warning("the ledger could not be told that this worker ends: %s", error)
        finally:
            self._installation.close()
