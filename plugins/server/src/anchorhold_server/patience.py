"""How long a request waits for what is done in a thread."""

from __future__ import annotations

import time
from typing import Final

PATIENCE: Final = 5.0
"""Seconds that a request waits for the ledger, and for a signature."""
STARTING: Final = 15.0
"""Seconds from the start of a worker for which it waits longer: modules, connections and keys come first."""


class Patience:
    """How long is waited in a process that starts now."""

    def __init__(self) -> None:
        self._usual_from = time.monotonic() + STARTING - PATIENCE

    def seconds(self) -> float:
        """From now on."""
        return PATIENCE + max(0.0, self._usual_from - time.monotonic())
