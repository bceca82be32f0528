"""``anchorhold serve``: OCSP, CRLs and certificates of issuers over HTTP."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003  # typer reads annotations when it runs
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.errors import InputError, LedgerError
from anchorhold.x509.durations import EXAMPLES, amount_of

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext
    from anchorhold_server.ledger_reader import LedgerReader

_MIN_TIMEOUT: Final = 0.1
_MAX_TIMEOUT: Final = 86_400
"""Limits of the request time-out, in seconds."""


class LogLevel(StrEnum):
    """What is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def serve(
    context: CommandContext,
    host: Annotated[
        str,
        typer.Option(
            "--host", help="Address or host name to bind; 0.0.0.0 or :: for all interfaces.", metavar="ADDRESS"
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="TCP port to bind.", metavar="PORT", min=1, max=65535)] = 8000,
    workers: Annotated[
        int,
        typer.Option("--workers", help="Number of worker processes; about one per CPU.", metavar="N", min=1, max=256),
    ] = 1,
    tls_certificate: Annotated[
        Path | None,
        typer.Option("--tls-certificate", help="TLS certificate chain for HTTPS, PEM.", metavar="FILE"),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", help="Private key of the TLS certificate, unencrypted PEM.", metavar="FILE"),
    ] = None,
    cached_certificates: Annotated[
        int,
        typer.Option(
            "--cached-certificates",
            help="Certificates whose OCSP responses each worker caches, 2 KB each.",
            min=1,
            metavar="N",
        ),
    ] = 20_000,
    request_timeout: Annotated[
        str,
        typer.Option(
            "--request-timeout",
            help=f"Time within which a request must arrive: seconds (10) or a duration ({EXAMPLES}).",
            metavar="DURATION",
        ),
    ] = "10s",
    log_level: Annotated[
        LogLevel,
        typer.Option(
            "--log-level",
            help="Log level: debug, info, warning or error; JSON lines on standard error.",
            metavar="LEVEL",
        ),
    ] = LogLevel.INFO,
) -> None:
    """Answer OCSP requests, and publish CRLs and CA certificates, over HTTP.

    The server needs the ledger and the OCSP responder keys, never the CA keys. It renews nothing; run
    `anchorhold maintain` alongside. It serves every authority at /ocsp, /crl/SERIAL.crl and /issuer/SERIAL.der,
    and reports its state at /healthz, /readyz and /metrics. SIGTERM stops it.
    """
    from anchorhold.installation import open_installation
    from anchorhold_server.ledger_reader import LedgerReader
    from anchorhold_server.process import ServerOptions, run

    timeout = _timeout(request_timeout)
    config = context.installation.loaded.path
    with open_installation(config, create=False) as installation:
        database = installation.access.url
        _check_backends(LedgerReader(installation))
    options = ServerOptions(
        host=host,
        port=port,
        workers=workers,
        certificate=tls_certificate,
        key=tls_key,
        level=log_level.value,
        cache_size=cached_certificates,
        request_timeout=timeout,
    )
    run(options, config, database)


def _timeout(text: str) -> float:
    """How long a request may take to arrive, in seconds.

    Raises:
        ValidityError: It cannot be read.
        InputError: It is out of range.
    """
    seconds = amount_of(text, "s", "--request-timeout")
    if not _MIN_TIMEOUT <= seconds <= _MAX_TIMEOUT:
        raise InputError(f"--request-timeout {text!r}: is out of range", hint="use 0.1 seconds to one day")
    return seconds


def _check_backends(reader: LedgerReader) -> None:
    """Stop now if the ledger, or what the settings say of responders' keys, cannot be used at all.

    A ledger that is missing is waited for.
    """
    from anchorhold_server.ledger_connection import is_missing

    try:
        reader.check_responder_backends()
    except LedgerError as error:
        if not is_missing(error):
            raise
