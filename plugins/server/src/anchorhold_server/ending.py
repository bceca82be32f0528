"""Hearing that a worker is to end: once, and however busy it is.

asyncio notes signals in a pipe of a few hundred entries, which also takes a note for each event of a connection. While
a thousand connections come or go at once it is full, and a signal of that moment is lost. And granian's workers do not
bear to be told twice, as happens where a service manager tells all processes at once, and the starter its workers.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
PAUSE: Final = 0.02
"""Seconds until a full pipe is tried again."""


class Ending:
    """Stands between the signals of this process and the event loop. To be made in the main thread.

    Args:
        loop: Runs in the main thread, and has handlers for `SIGNALS`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heard = False
        self._pipe = signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, self._hear)

    def _hear(self, number: int, _: FrameType | None) -> None:
        if not self._heard:
            self._heard = True
            self._loop.call_soon_threadsafe(self._tell, number)

    def _tell(self, number: int) -> None:
        """Have the loop call its handler of a signal, as if that had come now."""
        try:
            os.write(self._pipe, bytes([number]))
        except BlockingIOError:
            self._loop.call_later(PAUSE, self._tell, number)
