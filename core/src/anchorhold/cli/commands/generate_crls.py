"""``generate-crls``: make certificate revocation lists."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.error_collector import ErrorCollector
from anchorhold.cli.inputs import duration
from anchorhold.cli.output import info
from anchorhold.cli.remedies import sentence
from anchorhold.errors import AnchorholdError
from anchorhold.operations.crls import CRL_LIFETIME, check_may_issue_crls
from anchorhold.x509.durations import EXAMPLES

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.operations.authority import Authority


def generate_crls(
    context: CommandContext,
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
    installation = context.installation
    lifetime = CRL_LIFETIME if expires is None else duration(expires)
    authorities = [installation.authorities.get(name) for name in cas] if cas else _all(context)
    context.check_used({found.record.key_backend for found in authorities})
    if not authorities:
        info("There are no authorities that make CRLs.")
    failures = ErrorCollector()
    for authority in authorities:
        with failures.collecting(authority.name):  # the lists of the others must not run out for that
            made = _make(context, authority, lifetime)
            count, (number, until) = len(made), made[-1]
            info(
                f"Made {count} CRL{'s' if count != 1 else ''} of {authority.name}, the last with number {number}. "
                f"Next update: {until:%Y-%m-%d %H:%M} UTC."
            )
    failures.raise_first()


def _all(context: CommandContext) -> list[Authority]:
    """Every authority that may make lists; of one that has a certificate and may not, it is said why."""
    found = []
    for authority in context.installation.authorities.list():
        if authority.record.status == "pending":
            continue
        try:
            check_may_issue_crls(authority)
        except AnchorholdError as error:
            info(f"{sentence(error)}.")
        else:
            found.append(authority)
    return found


def _make(context: CommandContext, authority: Authority, lifetime: dt.timedelta) -> list[tuple[int, dt.datetime]]:
    """Of each that was made: its number, and when its next update is due."""
    secrets = context.secrets(authority.record.key_backend)
    count = 1 + (authority.record.issuing.crl_shards or 0)
    lists = context.installation.crls.generate(authority, secrets, lifetime=lifetime)
    with typer.progressbar(lists, length=count, label=authority.name, file=sys.stderr, hidden=_is_quiet(count)) as bar:
        return [(made.number, made.next_update) for made in bar]


def _is_quiet(count: int) -> bool:
    """Whether a bar would be no use to anybody."""
    return count == 1 or not sys.stderr.isatty()
