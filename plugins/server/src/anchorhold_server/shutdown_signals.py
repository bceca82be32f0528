"""Shutdown signals of a worker: each shutdown is handled exactly once, however busy the worker is.

asyncio notes signals in a pipe of a few hundred entries, which also takes an entry for each event of a connection.
While a thousand connections come or go at once it is full, and a signal of that moment is lost. granian's workers must
not receive a second signal, as they do if a service manager signals all processes at once, and the parent its workers.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
RETRY_DELAY: Final = 0.02
"""Seconds until a full pipe is tried again."""


class ShutdownSignals:
    """Forwards the signals of this process to the event loop. To be created in the main thread.

    Args:
        loop: Runs in the main thread, and has handlers for `SIGNALS`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._received = False
        self._pipe = signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, self._receive)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if not self._received:
            self._received = True
            self._loop.call_soon_threadsafe(self._forward, number)

    def _forward(self, number: int) -> None:
        """Let the event loop call its handler of a signal, as if the signal had come now."""
        try:
            os.write(self._pipe, bytes([number]))
        except BlockingIOError:
            self._loop.call_later(RETRY_DELAY, self._forward, number)
