"""``generate-crls``: generate certificate revocation lists."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.completion import complete_authority
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
        typer.Argument(
            help="Authorities (default: all that can issue CRLs, including disabled ones).",
            metavar="CA",
            autocompletion=complete_authority,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", help=f"Time until the next update: {EXAMPLES} (default: 7d).", metavar="DURATION"),
    ] = None,
) -> None:
    """Generate certificate revocation lists: the full CRL of each authority and its partitioned CRLs."""
    installation = context.installation
    lifetime = CRL_LIFETIME if expires is None else duration(expires)
    authorities = [installation.authorities.get(name) for name in cas] if cas else _all(context)
    context.check_used({found.record.key_backend for found in authorities})
    if not authorities:
        info("No authority can issue CRLs; nothing to do.")
    failures = ErrorCollector()
    for authority in authorities:
        with failures.collecting(authority.name):  # the other CRLs must not expire because of it
            made = _make(context, authority, lifetime)
            count, (number, until) = len(made), made[-1]
            info(
                f"Generated {count} CRL{'s' if count != 1 else ''} of {authority.name}, up to number {number}. "
                f"Next update: {until:%Y-%m-%d %H:%M} UTC."
            )
    failures.raise_first()


def _all(context: CommandContext) -> list[Authority]:
    """Every authority that may issue CRLs; prints why another one with a certificate may not."""
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
    """The number and the next update of each CRL generated."""
    secrets = context.secrets(authority.record.key_backend)
    count = 1 + (authority.record.issuing.crl_shards or 0)
    lists = context.installation.crls.generate(authority, secrets, lifetime=lifetime)
    with typer.progressbar(lists, length=count, label=authority.name, file=sys.stderr, hidden=_is_quiet(count)) as bar:
        return [(made.number, made.next_update) for made in bar]


def _is_quiet(count: int) -> bool:
    """Whether to hide the progress bar: for one CRL, or without a terminal."""
    return count == 1 or not sys.stderr.isatty()
