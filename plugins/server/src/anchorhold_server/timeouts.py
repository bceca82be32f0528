"""How long a request waits for what is done in a thread."""

from __future__ import annotations

import time
from typing import Final

OPERATION_TIMEOUT: Final = 5.0
"""Seconds that a request waits for the ledger, and for a signature."""
STARTUP_PERIOD: Final = 15.0
"""Seconds from the start of a worker in which it waits longer: modules, connections and keys come first."""


class OperationTimeout:
    """How long is waited in a process that starts now."""

    def __init__(self) -> None:
        self._usual_from = time.monotonic() + STARTUP_PERIOD - OPERATION_TIMEOUT

    def seconds(self) -> float:
        """From now on."""
        return OPERATION_TIMEOUT + max(0.0, self._usual_from - time.monotonic())
