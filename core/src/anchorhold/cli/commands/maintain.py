"""``maintain``: renew CRLs and OCSP responders before they run out."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.failures import Failures
from anchorhold.cli.inputs import span
from anchorhold.cli.output import say
from anchorhold.issuing.crls import LIFETIME
from anchorhold.x509.spans import EXAMPLES
from anchorhold.x509.validity import parse_pause

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from anchorhold.cli.session import Session
    from anchorhold.issuing.authority import Authority


def maintain(
    session: Session,
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
    lifetime = LIFETIME if crl_expires is None else span(crl_expires)
    pause = None if every is None else parse_pause(every)
    if pause is None:
        _once(session, cas or (), lifetime).end()
        return
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    while True:
        _once(session, cas or (), lifetime).say()
        session.close()  # the next look is at the file that is at its path by then
        if stopped.wait(pause):
            return


def _once(session: Session, cas: Sequence[str], lifetime: dt.timedelta) -> Failures:
    """Look after every authority; what went wrong."""
    failures = Failures()
    authorities: list[Authority] = []
    with failures.of():
        authorities = _wanted(session, cas)
        if not authorities:
            say("There are no authorities yet, so nothing was done.")
    for authority in authorities:
        with failures.of(authority.name):
            maintained = session.installation.maintenance.run(authority, lifetime=lifetime)
            for done in maintained.done:
                say(f"{authority.name}: {done}")
            if maintained.other is not None:
                say(f"{authority.name} is {maintained.other.described}; nothing was done here.")
            for error in maintained.failures:
                failures.add(authority.name, error)
    return failures


def _wanted(session: Session, cas: Sequence[str]) -> list[Authority]:
    """Those that were named; else all that were completed, for what a disabled one has signed is about."""
    if cas:
        return [session.installation.authorities.get(name) for name in cas]
    return [found for found in session.installation.authorities.list() if found.record.status != "pending"]
