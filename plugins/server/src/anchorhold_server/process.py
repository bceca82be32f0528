"""Starting the web server and its workers, and ending them in order."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import ssl
import tempfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from anchorhold.errors import InputError
from anchorhold_server.application import WorkerSettings, load
from anchorhold_server.logs import logging_config

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS: Final = 8192
"""Most of one worker; slow ones must not keep others out."""
BUFFER: Final = 16 * 1024
"""Octets of the head of a request, and of what is read ahead."""
STOPPING: Final = 20
"""Seconds after which a worker that does not end is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server runs.

    Attributes:
        host: Address to listen on.
        port: TCP port.
        workers: Number of processes.
        certificate: For TLS, PEM with its chain; None for HTTP.
        key: Of the certificate.
        level: Of the log, see `anchorhold_server.logs.LEVELS`.
        most: See `WorkerSettings`.
        seconds: Within which the head of a request must have arrived, also of the next one on an open connection; and
            then its body.
    """

    host: str
    port: int
    workers: int
    certificate: Path | None
    key: Path | None
    level: str
    most: int
    seconds: float


def run(options: ServerOptions, config: Path | None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: How.
        config: The settings file; None for none.

    Raises:
        InputError: The port is taken, or the certificate cannot be used.
    """
    _check_tls(options)
    _check_port(options)
    _allow_files()
    with _folder() as folder:
        settings = WorkerSettings(
            config=config,
            folder=folder,
            starter=os.getpid(),
            most=options.most,
            seconds=options.seconds,
        )
        server = Granian(
            "anchorhold_server.application:load",
            options.host,
            options.port,
            interface=Interfaces.ASGI,
            workers=options.workers,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=int(options.seconds * 1000), max_buffer_size=BUFFER),
            websockets=False,
            backlog=CONNECTIONS,
            backpressure=CONNECTIONS,
            log_level=LogLevels(options.level),
            log_dictconfig=logging_config(options.level),
            ssl_cert=options.certificate,
            ssl_key=options.key,
            ssl_protocol_min=SSLProtocols.tls12,
            respawn_failed_workers=True,
            workers_kill_timeout=STOPPING,
        )
        server.serve(target_loader=partial(load, settings), wrap_loader=False)


def _check_port(options: ServerOptions) -> None:
    """Refuse a port that another program has: workers share theirs, also with a second server."""
    try:
        found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with closing(socket.socket(family, kind, protocol)) as asking:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            asking.bind(address)
    except OSError as error:
        raise InputError(
            f"{options.host} port {options.port}: cannot be listened on ({error.strerror})",
            hint="choose others with --host and --port",
        ) from error


def _check_tls(options: ServerOptions) -> None:
    if (options.certificate is None) != (options.key is None):
        raise InputError(
            "TLS: takes a certificate and its key", hint="give --tls-certificate and --tls-key, or neither"
        )
    if options.certificate is None or options.key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.certificate, options.key, password=lambda: "")
    except OSError as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) else "not a PEM certificate with its own key"
        raise InputError(
            f"TLS: {options.certificate} and {options.key} cannot be used ({reason})",
            hint="give a certificate with its chain, and its unencrypted private key",
        ) from error


def _allow_files() -> None:
    """Let the workers have as many connections as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _folder() -> Iterator[Path]:
    """A private folder for as long as the server runs; nothing secret is in it."""
    folder = Path(tempfile.mkdtemp(prefix="anchorhold-serve-"))
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
