"""Starts the desk, and stops it in order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from anchorhold.installation import open_installation
from anchorhold_desk.application import application
from anchorhold_desk.desk import Desk
from anchorhold_desk.settings import desk_settings

if TYPE_CHECKING:
    from pathlib import Path

HEADER_TIMEOUT = 10_000
"""Milliseconds within which the head of a request must have arrived."""
STOP_TIMEOUT = 20
"""Seconds after which a worker that does not end is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOptions:
    """How the desk is reached.

    Attributes:
        host: Address to listen on.
        port: TCP port.
        socket: Unix socket to listen on instead; None for none.
        certificate: For TLS, PEM with its chain; None for HTTP.
        key: Of the certificate.
    """

    host: str
    port: int
    socket: Path | None
    certificate: Path | None
    key: Path | None


def run(options: DeskOptions, config: Path | None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: How.
        config: The settings file; None for none.
    """
    server = Granian(
        "anchorhold_desk.process:load",
        options.host,
        options.port,
        uds=options.socket,
        uds_permissions=0o660 if options.socket else None,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT),
        websockets=False,
        log_level=LogLevels.warning,
        ssl_cert=options.certificate,
        ssl_key=options.key,
        ssl_protocol_min=SSLProtocols.tls12,
        workers_kill_timeout=STOP_TIMEOUT,
    )
    server.serve(target_loader=partial(load, config), wrap_loader=False)


def load(config: Path | None) -> Any:
    """The application, in its process."""
    installation = open_installation(config)
    return application(Desk(installation, desk_settings(installation)))
