"""``anchorhold desk``: the web page and the REST API."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003  # typer reads annotations when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.errors import InputError

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


class Action(StrEnum):
    """What is done."""

    SERVE = "serve"
    INIT = "init"


def desk(
    context: CommandContext,
    action: Annotated[
        Action,
        typer.Argument(help="serve it, or init: print a link, good once, by which an administrator sets a password."),
    ] = Action.SERVE,
    administrator: Annotated[
        str,
        typer.Option("--administrator", help="With init: whose link; the account is made if needed.", metavar="NAME"),
    ] = "admin",
    host: Annotated[str, typer.Option("--host", help="Address to bind.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="TCP port to bind.", metavar="PORT", min=1, max=65535)] = 8443,
    socket: Annotated[
        Path | None, typer.Option("--socket", help="Unix socket to bind instead, for a proxy.", metavar="PATH")
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", help="TLS certificate chain for HTTPS, PEM.", metavar="FILE")
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", help="Private key of the TLS certificate, unencrypted PEM.", metavar="FILE"),
    ] = None,
) -> None:
    """Serve the desk: requests, approvals, certificates and accounts, as web pages and by REST.

    The section `desk` of the settings says under which URL people reach it. SIGTERM stops it.
    """
    from anchorhold_desk.desk import Desk
    from anchorhold_desk.first_account import administrator_link
    from anchorhold_desk.process import DeskOptions, run
    from anchorhold_desk.settings import desk_settings

    settings = desk_settings(context.installation)
    if action is Action.INIT:
        opened = Desk(context.installation, settings)
        try:
            typer.echo(administrator_link(opened, administrator))
        finally:
            opened.close()
        return
    if socket is not None and socket.exists() and not socket.is_socket():  # granian removes what is there when it ends
        raise InputError(f"desk: {socket} is there and no socket", hint="name another path for the socket")
    if socket is None and tls_certificate is None and settings.is_https and host not in ("127.0.0.1", "::1"):
        raise InputError("desk: would serve passwords without TLS", hint="give a certificate, or bind a Unix socket")
    run(
        DeskOptions(host=host, port=port, socket=socket, certificate=tls_certificate, key=tls_key),
        context.installation.loaded.path,
    )
