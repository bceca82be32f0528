"""The ASGI application of a worker: OCSP first, all other paths behind it, and a task that does the regular work."""

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
from anchorhold_server import event_loop  # noqa: F401  # registers itself with granian
from anchorhold_server.components import Components
from anchorhold_server.ledger_connection import BUSY
from anchorhold_server.ocsp_endpoint import PATH, OcspEndpoint
from anchorhold_server.revision_watcher import watch_revision
from anchorhold_server.routes import Routes
from anchorhold_server.socket_timeouts import limit_stalled_connections
from anchorhold_server.worker_replacement import WorkerReplacement

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold_server.asgi import App, Receive, Scope, Send

THREADS: Final = 8
"""Of each worker for the ledger; on a database server each has a connection."""
TICK: Final = 1.0
"""Seconds between runs of the regular work."""
TICKS_PER_CHECK: Final = 10
"""Ticks between checks of the health."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker is told; it opens everything else itself.

    Attributes:
        config: The settings file; None for none.
        folder: The runtime directory, which the workers of a server share.
        parent: Number of the process that has started it; without that process, it ends.
        cache_size: The number of certificates whose responses are kept.
        request_timeout: Seconds within which a request must have arrived, and some of its response must have been read.
    """

    config: Path | None
    folder: Path
    parent: int
    cache_size: int
    request_timeout: float


class Worker:
    """The ASGI application of one worker.

    Args:
        settings: What it is told.
        installation: Opened in this process.
    """

    def __init__(self, settings: WorkerSettings, installation: Installation) -> None:
        self._settings = settings
        self._database_url = installation.access.url
        threads = ThreadPoolExecutor(THREADS, "ledger")
        self._components = parts = Components.of(installation, settings.folder, threads, settings.cache_size)
        self._replacement = WorkerReplacement(settings.folder)
        self._ocsp = OcspEndpoint(parts.responder, parts.metrics, settings.request_timeout)
        self._routes = Routes(
            reader=parts.reader,
            snapshots=parts.snapshots,
            executor=parts.executor,
            crls=parts.crls,
            keys=parts.keys,
            monitor=parts.monitor,
            metrics=parts.metrics,
            alarms=parts.alarms,
        )
        self._other: App = self._routes.application()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request, or the life of the worker; not a coroutine of its own, which each request would pass."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        path = scope["path"]
        if path == PATH or path.startswith(f"{PATH}/"):
            return self._ocsp(scope, receive, send)
        return self._other(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """From the first to the last moment of the worker."""
        await receive()
        regular_work = asyncio.create_task(self._work_regularly())
        with contextlib.nullcontext() if self._components.connection.is_local else self._watch_revision():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        regular_work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await regular_work
        self._components.metrics.write()
        await send({"type": "lifespan.shutdown.complete"})

    def _watch_revision(self) -> contextlib.AbstractContextManager[None]:
        return watch_revision(self._database_url, self._settings.folder)

    async def _work_regularly(self) -> None:
        tick, limited = 0, False
        while True:
            if os.getppid() != self._settings.parent:
                logger.error("the parent process has ended")
                os.kill(os.getpid(), signal.SIGTERM)
            self._ocsp.sweep()
            try:
                limited = limited or limit_stalled_connections(self._settings.request_timeout)
                self._components.metrics.write()
                self._components.connection.update()
                self._end_if_incurable()
                if tick % TICKS_PER_CHECK == 0:
                    await self._routes.health()
            except Exception:
                logger.exception("defect")
            tick += 1
            await asyncio.sleep(TICK)

    def _end_if_incurable(self) -> None:
        """Let a new process take the place of this one, where nothing else helps."""
        reason = self._components.connection.incurable
        key = self._components.snapshots.latest.responder_out_of_order()
        if reason is None and key is not None:
            reason = f"authority {key.authority.name!r}, OCSP responder: its key can no longer be opened"
        if reason is not None:
            self._replacement.request(reason)


def load(settings: WorkerSettings) -> Any:
    """The application of a worker, in its process."""
    installation = open_installation(settings.config, create=False, patience=BUSY)
    return Worker(settings, installation.as_actor("anchorhold serve"))
