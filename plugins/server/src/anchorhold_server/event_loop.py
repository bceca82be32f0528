"""The event loop of a worker: uvloop, with one shutdown however many signals ask for it.

A service manager signals all processes at once, and the parent its workers; granian's workers must not receive a second
signal.
"""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVarTuple, Unpack

from granian import loops
from granian.constants import Loops
from uvloop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
"""That end a worker."""

Ts = TypeVarTuple("Ts")


class WorkerLoop(Loop):
    """Passes on the first of `SIGNALS`, and no other."""

    _is_told = False

    def add_signal_handler(self, sig: int, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> None:
        """Call a function when the process receives a signal; see `asyncio.loop.add_signal_handler`."""
        super().add_signal_handler(sig, partial(self._tell, callback) if sig in SIGNALS else callback, *args)

    def _tell(self, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> None:
        if not self._is_told:
            self._is_told = True
            callback(*args)


@loops.register(Loops.auto)  # in each process that imports this module
def _worker_loop() -> WorkerLoop:
    loop = WorkerLoop()
    asyncio.set_event_loop(loop)
    return loop
