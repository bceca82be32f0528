"""``maintain``: renew CRLs and OCSP responders before they run out."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.inputs import span
from anchorhold.cli.output import say
from anchorhold.errors import AnchorholdError
from anchorhold.issuing.crls import LIFETIME
from anchorhold.x509.validity import parse_pause

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.cli.session import Session


def maintain(
    session: Session,
    every: Annotated[
        str | None,
        typer.Option("--every", help="Go on, and look again after this pause (30s, 10m, 1h).", metavar="PAUSE"),
    ] = None,
    crl_expires: Annotated[
        str | None, typer.Option("--crl-expires", help="How long CRLs are good (default: 7d).", metavar="SPAN")
    ] = None,
) -> None:
    """Renew CRLs and OCSP responders before they run out, with nobody present. Several may run at once."""
    lifetime = LIFETIME if crl_expires is None else span(crl_expires)
    pause = None if every is None else parse_pause(every)
    stopped = Event()
    if pause is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
    while True:
        failed = _once(session, lifetime)
        if pause is None:
            if failed is not None:
                raise failed
            return
        if stopped.wait(pause):
            return


def _once(session: Session, lifetime: dt.timedelta) -> AnchorholdError | None:
    """Look after every authority; the first failure, if there was one."""
    failures: list[AnchorholdError] = []
    try:
        authorities = session.installation.authorities()
    except AnchorholdError as error:
        say(f"maintain: {error}")
        return error
    for authority in authorities:
        if authority.record.status != "active":
            continue
        try:
            for done in session.installation.maintain(authority, lifetime=lifetime):
                say(f"{authority.name}: {done}")
        except AnchorholdError as error:  # the others are served all the same
            failures.append(error)
            say(f"{authority.name}: {error}")
    return failures[0] if failures else None
