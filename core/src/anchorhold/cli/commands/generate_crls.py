"""``generate-crls``: make certificate revocation lists."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.failures import Failures
from anchorhold.cli.inputs import span
from anchorhold.cli.output import say
from anchorhold.errors import AnchorholdError
from anchorhold.issuing.crls import LIFETIME, check_makes_crls
from anchorhold.x509.spans import EXAMPLES

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.cli.session import Session
    from anchorhold.issuing.authority import Authority


def generate_crls(
    session: Session,
    cas: Annotated[
        list[str] | None,
        typer.Argument(help="Which authorities (default: all that can, disabled ones too).", metavar="[CA]..."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", help=f"How long they are good: {EXAMPLES} (default: 7d).", metavar="SPAN"),
    ] = None,
) -> None:
    """Make certificate revocation lists: the full one of each authority, and those of its shards."""
    installation = session.installation
    lifetime = LIFETIME if expires is None else span(expires)
    authorities = [installation.authorities.get(name) for name in cas] if cas else _all(session)
    session.check_used({found.record.key_backend for found in authorities})
    if not authorities:
        say("There are no authorities that make CRLs.")
    failures = Failures()
    for authority in authorities:
        with failures.of(authority.name):  # the lists of the others must not run out for that
            made = _make(session, authority, lifetime)
            count, (number, until) = len(made), made[-1]
            say(
                f"Made {count} CRL{'s' if count != 1 else ''} of {authority.name}, the last with number {number}. "
                f"Next update: {until:%Y-%m-%d %H:%M} UTC."
            )
    failures.end()


def _all(session: Session) -> list[Authority]:
    """Every authority that may make lists; of one that has a certificate and may not, it is said why."""
    found = []
    for authority in session.installation.authorities.list():
        if authority.record.status == "pending":
            continue
        try:
            check_makes_crls(authority)
        except AnchorholdError as error:
            say(f"{error}.")
        else:
            found.append(authority)
    return found


def _make(session: Session, authority: Authority, lifetime: dt.timedelta) -> list[tuple[int, dt.datetime]]:
    """Of each that was made: its number, and when its next update is due."""
    secrets = session.secrets(authority.record.key_backend)
    count = 1 + (authority.record.issuing.crl_shards or 0)
    lists = session.installation.crls.generate(authority, secrets, lifetime=lifetime)
    with typer.progressbar(lists, length=count, label=authority.name, file=sys.stderr, hidden=_is_quiet(count)) as bar:
        return [(made.number, made.next_update) for made in bar]


def _is_quiet(count: int) -> bool:
    """Whether a bar would be no use to anybody."""
    return count == 1 or not sys.stderr.isatty()
