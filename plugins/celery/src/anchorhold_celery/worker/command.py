"""``anchorhold worker``: lends keys of this host to others, through a message broker."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


class LogLevel(StrEnum):
    """What is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def worker(
    context: CommandContext,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes", help="Processes that sign; by default as the settings say.", metavar="N", min=1, max=256
        ),
    ] = None,
    log_level: Annotated[
        LogLevel,
        typer.Option(
            "--log-level", help="Log level: debug, info, warning or error; on standard error.", metavar="LEVEL"
        ),
    ] = LogLevel.INFO,
) -> None:
    """Lend keys of this host to others, which ask through a message broker.

    The section `worker` of the settings says which aliases are lent to whom. Only what the ledger, shared with the
    hosts that ask, holds as intended is signed. SIGTERM stops it when the request in progress is done.
    """
    from anchorhold_celery.worker.application import application

    app = application(context.installation.loaded.path, processes)
    running = app.Worker(
        hostname=f"{app.conf.anchorhold_worker}@%h",
        loglevel=log_level.value.upper(),
        without_gossip=True,
        without_mingle=True,
        quiet=False,
        optimization="fair",
    )
    running.start()
    sys.exit(running.exitcode)
