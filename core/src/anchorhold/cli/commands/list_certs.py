"""``list-certs``: list certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.output import ListFormat, as_json, say, table, write
from anchorhold.cli.present import certificate_as_json

if TYPE_CHECKING:
    from anchorhold.cli.session import Session


def list_certs(
    session: Session,
    ca: Annotated[str | None, typer.Option("--ca", help="Of this authority only.", metavar="CA")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Also those that have expired.")] = False,
    after: Annotated[
        int,
        typer.Option(
            "--after", help="Begin behind the certificate with this number; a full page says which.", min=0, max=2**62
        ),
    ] = 0,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1_000_000)] = 100,
    output_format: OutputListFormat = ListFormat.TEXT,
) -> None:
    """List certificates, oldest first; those of authorities too."""
    installation = session.installation
    authority = installation.authority(ca) if ca is not None else None
    names = {known.record.id: known.name for known in installation.authorities()}
    found = installation.certificates(authority, after=after, limit=limit, expired=expired)
    if output_format is ListFormat.JSON:
        entries = [{"number": record.id, **certificate_as_json(record, names[record.authority_id])} for record in found]
        write(as_json(entries), None)
        return
    rows = [
        (
            record.serial,
            names[record.authority_id],
            f"{record.not_after:%Y-%m-%d}",
            record.profile,
            record.names or record.subject,
        )
        for record in found
    ]
    if not rows:
        say("There are no such certificates.")
    write(table(("SERIAL", "AUTHORITY", "EXPIRES", "PROFILE", "NAMES"), rows), None)
    if len(found) == limit:
        say(f"There may be more: repeat with --after {found[-1].id}.")
