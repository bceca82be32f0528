"""``maintain``: renew CRLs and OCSP responders before they expire."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.completion import complete_authority
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
        typer.Argument(
            help="Authorities (default: all, including disabled ones).", metavar="CA", autocompletion=complete_authority
        ),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(
            "--every", help=f"Keep running, and check again at this interval: {EXAMPLES}.", metavar="INTERVAL"
        ),
    ] = None,
    crl_expires: Annotated[
        str | None,
        typer.Option(
            "--crl-expires", help=f"Time until the next update of a CRL: {EXAMPLES} (default: 7d).", metavar="DURATION"
        ),
    ] = None,
) -> None:
    """Renew CRLs and OCSP responders before they expire, unattended. Several instances may run at once."""
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
        context.close()  # the next run opens the file that is at its path by then
        if stopped.wait(pause):
            return


def _once(context: CommandContext, cas: Sequence[str], lifetime: dt.timedelta) -> ErrorCollector:
    """Maintain each authority once; returns the errors."""
    failures = ErrorCollector()
    authorities: list[Authority] = []
    with failures.collecting():
        authorities = _wanted(context, cas)
        if not authorities:
            info("No authorities yet; nothing to do.")
    for authority, maintained in context.installation.maintenance.run_all(authorities, lifetime=lifetime):
        for done in maintained.done:
            info(f"{authority.name}: {done}")
        if maintained.other_claim is not None:
            info(f"{authority.name} is {maintained.other_claim.description}; skipped.")
        for error in maintained.failures:
            failures.add(authority.name, error)
    return failures


def _wanted(context: CommandContext, cas: Sequence[str]) -> list[Authority]:
    """The named authorities; else all completed ones, since certificates of a disabled one are still in use."""
    if cas:
        return [context.installation.authorities.get(name) for name in cas]
    return [found for found in context.installation.authorities.list() if found.record.status != "pending"]
