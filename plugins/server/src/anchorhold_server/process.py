"""Starts the web server and its workers, and stops them in order."""

from __future__ import annotations

import os
import resource
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from anchorhold.databases import file_of
from anchorhold_server.application import WorkerSettings, load
from anchorhold_server.bind_address import bind_address
from anchorhold_server.logs import logging_config
from anchorhold_server.revision_watcher import watch_revision
from anchorhold_server.runtime_dir import runtime_dir
from anchorhold_server.tls import check_tls

if TYPE_CHECKING:
    from pathlib import Path

MAX_CONNECTIONS: Final = 8192
"""Of one worker; slow ones must not keep others out."""
BUFFER: Final = 16 * 1024
"""Octets of the head of a request, and of what is read ahead."""
STOP_TIMEOUT: Final = 20
"""Seconds after which a worker that does not end is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server runs.

    Attributes:
        host: Address to listen on, or a name that has one.
        port: TCP port.
        workers: Number of processes.
        certificate: For TLS, PEM with its chain; None for HTTP.
        key: Of the certificate.
        level: Of the log, see `anchorhold_server.logs.LEVELS`.
        cache_size: See `WorkerSettings`.
        request_timeout: Seconds within which the head of a request must have arrived, also of the next one on an open
            connection; and then its body.
    """

    host: str
    port: int
    workers: int
    certificate: Path | None
    key: Path | None
    level: str
    cache_size: int
    request_timeout: float


def run(options: ServerOptions, config: Path | None, database: str) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: How.
        config: The settings file; None for none.
        database: URL of the ledger.

    Raises:
        InputError: The port is taken, or the certificate cannot be used.
    """
    check_tls(options.certificate, options.key)
    address = bind_address(options.host, options.port)
    _allow_files()
    with runtime_dir() as folder:
        settings = WorkerSettings(
            config=config,
            folder=folder,
            parent=os.getpid(),
            cache_size=options.cache_size,
            request_timeout=options.request_timeout,
        )
        header_timeout = int(options.request_timeout * 1000)
        server = Granian(
            "anchorhold_server.application:load",
            address,
            options.port,
            interface=Interfaces.ASGI,
            workers=options.workers,
            loop=Loops.auto,  # `WorkerLoop`
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=header_timeout, max_buffer_size=BUFFER),
            websockets=False,
            backlog=MAX_CONNECTIONS,
            backpressure=MAX_CONNECTIONS,
            log_level=LogLevels(options.level),
            log_dictconfig=logging_config(options.level),
            ssl_cert=options.certificate,
            ssl_key=options.key,
            ssl_protocol_min=SSLProtocols.tls12,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_TIMEOUT,
        )
        try:
            with watch_revision(database, folder) if file_of(database) is not None else nullcontext():
                server.serve(target_loader=partial(load, settings), wrap_loader=False)
        except SystemExit:
            if not server.interrupt_signal:  # else a worker had just ended for a new one, and there is none to come
                raise


def _allow_files() -> None:
    """Let the workers have as many connections as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MAX_CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * MAX_CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
