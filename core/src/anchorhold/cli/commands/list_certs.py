"""``list-certs``: list certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.inputs import span
from anchorhold.cli.output import ListFormat, as_json, say, table, write
from anchorhold.cli.present import certificate_as_json
from anchorhold.errors import ExpiringError
from anchorhold.x509.revocation import HOLD
from anchorhold.x509.spans import EXAMPLES
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.cli.session import Session
    from anchorhold.ledger import CertificateRecord
    from anchorhold.ledger.records import RevocationRecord


def list_certs(
    session: Session,
    ca: Annotated[str | None, typer.Option("--ca", help="Of this authority only.", metavar="CA")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Also those that have expired.")] = False,
    revoked: Annotated[
        bool | None,
        typer.Option(
            "--revoked/--not-revoked", help="Only those that are revoked, or that are not.", show_default=False
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Only those of this profile.", metavar="PROFILE")
    ] = None,
    expiring: Annotated[
        str | None,
        typer.Option(
            "--expiring",
            help=f"Only those that expire within this span ({EXAMPLES}) and are not revoked, without those of OCSP "
            "responders unless --profile names theirs; the exit code is 66 if there are any.",
            metavar="SPAN",
        ),
    ] = None,
    after: Annotated[
        int,
        typer.Option(
            "--after", help="Begin behind the certificate with this number; a full page says which.", min=0, max=2**62
        ),
    ] = 0,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1_000_000)] = 100,
    output_format: OutputListFormat = ListFormat.TEXT,
) -> None:
    """List certificates that are valid, the first to expire first; with --expired all of them, oldest first."""
    installation = session.installation
    authority = installation.authority(ca) if ca is not None else None
    names = {known.record.id: known.name for known in installation.authorities()}
    found = installation.certificates(
        authority,
        after=after,
        limit=limit,
        expired=expired,
        revoked=False if expiring is not None and revoked is None else revoked,
        profile=profile,
        expiring=None if expiring is None else now() + span(expiring),
    )
    revocations = installation.revocations(found)
    if output_format is ListFormat.JSON:
        entries = [
            {
                "number": record.id,
                **certificate_as_json(record, names[record.authority_id], revocations.get(record.id)),
            }
            for record in found
        ]
        write(as_json(entries), None)
    else:
        _show(found, revocations, names, limit)
    if expiring is not None and found:
        raise ExpiringError(f"list-certs: {len(found)} expire within {expiring}", hint="replace them")


def _status(record: CertificateRecord, revocation: RevocationRecord | None) -> str:
    """Revoked or on hold, else whether it has expired."""
    if revocation is not None:
        return "on hold" if revocation.reason == HOLD else "revoked"
    return "expired" if record.not_after < now() else "good"


def _show(
    found: Sequence[CertificateRecord],
    revocations: Mapping[int, RevocationRecord],
    names: Mapping[int, str],
    limit: int,
) -> None:
    rows = [
        (
            record.serial,
            names[record.authority_id],
            f"{record.not_after:%Y-%m-%d}",
            _status(record, revocations.get(record.id)),
            record.profile,
            ",".join(record.names) or record.subject,
        )
        for record in found
    ]
    if not rows:
        say("There are no such certificates.")
    write(table(("SERIAL", "AUTHORITY", "EXPIRES", "STATUS", "PROFILE", "NAMES"), rows), None)
    if len(found) == limit:
        say(f"There may be more: repeat with --after {found[-1].id}.")
