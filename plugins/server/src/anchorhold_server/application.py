"""What runs in each worker: OCSP in front, the pages behind it, and a task that looks after the rest."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.installation import open_installation
from anchorhold_server.alarms import Alarms
from anchorhold_server.answers import Answers
from anchorhold_server.ending import Ending
from anchorhold_server.endpoint import PATH, OcspEndpoint
from anchorhold_server.health import Watch
from anchorhold_server.keys import KeyThreads
from anchorhold_server.metrics import Metrics
from anchorhold_server.pages import Pages
from anchorhold_server.rebirth import Rebirth
from anchorhold_server.shelf import Shelf
from anchorhold_server.sight import BUSY, Sight
from anchorhold_server.stalls import bound_stalls
from anchorhold_server.witness import witness

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold_server.asgi import App, Receive, Scope, Send

THREADS: Final = 8
"""Of each worker for the ledger; on a database server each has a connection."""
TICK: Final = 1.0
"""Seconds between looks at the starter, and at the counters."""
LOOKS: Final = 10
"""Ticks between looks at everything."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker is told; it opens everything else itself.

    Attributes:
        config: The settings file; None for none.
        folder: Shared by the workers of a server.
        starter: Process that has started it; without that one, it ends.
        most: How many certificates are remembered.
        seconds: Within which a request must have arrived, and some of its answer must have been taken.
    """

    config: Path | None
    folder: Path
    starter: int
    most: int
    seconds: float


class Worker:
    """The ASGI application of one worker.

    Args:
        settings: What it is told.
        installation: Opened in this process.
    """

    def __init__(self, settings: WorkerSettings, installation: Installation) -> None:
        self._settings = settings
        self._installation = installation
        self._threads = ThreadPoolExecutor(THREADS, "ledger")
        self._metrics = Metrics(settings.folder)
        self._alarms = Alarms(self._metrics)
        self._sight = sight = Sight(installation, settings.folder)
        self._rebirth = Rebirth(settings.folder)
        shelf, keys, most = Shelf(installation, settings.folder), KeyThreads(), settings.most
        self._answers = Answers(installation, sight, self._threads, keys, self._metrics, self._alarms, most=most)
        self._ocsp = OcspEndpoint(self._answers, self._metrics, settings.seconds)
        self._pages = Pages(self._answers, shelf, Watch(sight, shelf, keys, self._alarms), self._metrics, self._alarms)
        self._behind: App = self._pages.application()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the worker."""
        if scope["type"] == "http":
            path = scope["path"]
            if path == PATH or path.startswith(f"{PATH}/"):
                await self._ocsp(scope, receive, send)
            else:
                await self._behind(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """From the first to the last moment of the worker."""
        await receive()
        Ending(asyncio.get_running_loop())
        tending = asyncio.create_task(self._tend())
        with contextlib.nullcontext() if self._sight.is_local else self._witness():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        tending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tending
        self._metrics.write()
        await send({"type": "lifespan.shutdown.complete"})

    def _witness(self) -> contextlib.AbstractContextManager[None]:
        return witness(self._installation.access.url, self._settings.folder)

    async def _tend(self) -> None:
        """Look after everything again and again."""
        tick, bounded = 0, False
        while True:
            if os.getppid() != self._settings.starter:
                logger.error("the process that has started this one is gone")
                os.kill(os.getpid(), signal.SIGTERM)
            self._ocsp.sweep()
            try:
                bounded = bounded or bound_stalls(self._settings.seconds)
                self._metrics.write()
                self._sight.listen()
                self._end_if_incurable()
                if tick % LOOKS == 0:
                    await self._pages.health()
            except Exception:
                logger.exception("defect")
            tick += 1
            await asyncio.sleep(TICK)

    def _end_if_incurable(self) -> None:
        """Make room for a new process where no other means are left."""
        key = self._answers.out_of_order()
        reason = self._sight.incurable
        if reason is None and key is not None:
            reason = f"authority {key.authority.name!r}, OCSP responder: its key cannot be opened any more"
        if reason is not None:
            self._rebirth.begin(reason)


def load(settings: WorkerSettings) -> Any:
    """The application of a worker, in its process."""
    return Worker(settings, open_installation(settings.config, create=False, patience=BUSY))
