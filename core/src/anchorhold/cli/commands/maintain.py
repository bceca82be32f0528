"""``maintain``: renew CRLs and OCSP responders before they run out."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.error_collector import ErrorCollector
from anchorhold.cli.inputs import duration
from anchorhold.cli.output import info
from anchorhold.operations.crls import CRL_LIFETIME
from anchorhold.x509.durations import EXAMPLES
from anchorhold.x509.validity import parse_interval

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.operations.authority import Authority


def maintain(
    context: CommandContext,
    cas: Annotated[
        list[str] | None,
        typer.Argument(help="Which authorities (default: all, disabled ones too).", metavar="[CA]..."),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", help=f"Go on, and look again after this pause: {EXAMPLES}.", metavar="PAUSE"),
    ] = None,
    crl_expires: Annotated[
        str | None,
        typer.Option("--crl-expires", help=f"How long CRLs are good: {EXAMPLES} (default: 7d).", metavar="SPAN"),
    ] = None,
) -> None:
    """Renew CRLs and OCSP responders before they run out, with nobody present. Several may run at once."""
    lifetime = CRL_LIFETIME if crl_expires is None else duration(crl_expires)
    pause = None if every is None else parse_interval(every)
    if pause is None:
        _once(context, cas or (), lifetime).raise_first()
        return
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    while True:
        _once(context, cas or (), lifetime).report()
        context.close()  # the next look is at the file that is at its path by then
        if stopped.wait(pause):
            return


def _once(context: CommandContext, cas: Sequence[str], lifetime: dt.timedelta) -> ErrorCollector:
    """Look after every authority; what went wrong."""
    failures = ErrorCollector()
    authorities: list[Authority] = []
    with failures.collecting():
        authorities = _wanted(context, cas)
        if not authorities:
            info("There are no authorities yet, so nothing was done.")
    for authority in authorities:
        with failures.collecting(authority.name):
            maintained = context.installation.maintenance.run(authority, lifetime=lifetime)
            for done in maintained.done:
                info(f"{authority.name}: {done}")
            if maintained.other_claim is not None:
                info(f"{authority.name} is {maintained.other_claim.description}; nothing was done here.")
            for error in maintained.failures:
                failures.add(authority.name, error)
    return failures


def _wanted(context: CommandContext, cas: Sequence[str]) -> list[Authority]:
    """Those that were named; else all that were completed, for what a disabled one has signed is about."""
    if cas:
        return [context.installation.authorities.get(name) for name in cas]
    return [found for found in context.installation.authorities.list() if found.record.status != "pending"]
