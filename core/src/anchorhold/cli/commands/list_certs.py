"""``list-certs``: list certificates."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.completion import complete_authority, complete_profile
from anchorhold.cli.inputs import duration
from anchorhold.cli.output import ListFormat, info, table, write, write_json_list
from anchorhold.cli.rendering import external_issuer_as_json
from anchorhold.errors import ExpiringError
from anchorhold.ledger.certificates import CertificateFilter
from anchorhold.x509.crl_entries import HOLD
from anchorhold.x509.durations import EXAMPLES
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.installation import Installation
    from anchorhold.ledger import CertificateRecord
    from anchorhold.ledger.records import RevocationRecord
    from anchorhold.operations.authority import Authority

PAGE_SIZE: Final = 100
"""How many are shown as text, unless told otherwise."""
READ_SIZE: Final = 1_000
"""How many are read from the ledger at once."""
OF_AUTHORITY: Final = "authority"
"""What stands for the profile of an authority's own certificate that was made elsewhere."""


def list_certs(
    context: CommandContext,
    ca: Annotated[
        str | None,
        typer.Option(
            "--ca", help="Only certificates of this authority.", metavar="CA", autocompletion=complete_authority
        ),
    ] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Also list expired certificates.")] = False,
    revoked: Annotated[
        bool | None,
        typer.Option("--revoked/--not-revoked", help="Only revoked certificates, or only others.", show_default=False),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", help="Only certificates of this profile.", metavar="PROFILE", autocompletion=complete_profile
        ),
    ] = None,
    expiring: Annotated[
        str | None,
        typer.Option(
            "--expiring",
            help=f"Only unrevoked certificates that expire within this duration ({EXAMPLES}); OCSP responder "
            "certificates only if --profile selects them. Exit code 66 if there are any.",
            metavar="SPAN",
        ),
    ] = None,
    after: Annotated[
        int,
        typer.Option(
            "--after",
            help="Continue after this row number (printed at the end of a full page).",
            metavar="N",
            min=0,
            max=2**62,
            show_default=False,
        ),
    ] = 0,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            help="Maximum number of certificates (default: 100 as text, all as json).",
            metavar="N",
            min=1,
            max=1_000_000,
        ),
    ] = None,
    output_format: OutputListFormat = ListFormat.TEXT,
) -> None:
    """List valid certificates, the next to expire first; with --expired, all certificates, the oldest first."""
    installation = context.installation
    if profile is not None:
        installation.certificates.check_profile(profile)
    wanted = CertificateFilter(
        authority_id=None if ca is None else installation.authorities.get(ca).record.id,
        expired=expired,
        revoked=False if expiring is not None and revoked is None else revoked,
        profile=profile,
        expiring=None if expiring is None else now() + duration(expiring),
    )
    elsewhere = _elsewhere(installation, wanted) if not after else []
    if output_format is ListFormat.JSON:
        write_json_list(_entries(installation, wanted, after, limit, elsewhere))
    else:
        _show(installation, wanted, after, limit or PAGE_SIZE, elsewhere)
    if expiring is not None:
        count = installation.certificates.count(wanted=wanted, after=after) + len(elsewhere)
        if count:
            raise ExpiringError(f"list-certs: {count} expire within {expiring}", hint="replace them")


def _elsewhere(installation: Installation, wanted: CertificateFilter) -> list[Authority]:
    """Authorities that were signed elsewhere, as far as their certificates are wanted; nothing here revokes them."""
    if wanted.revoked or wanted.profile not in (None, OF_AUTHORITY):
        return []
    return [
        found
        for found in installation.authorities.list_externally_signed()
        if wanted.authority_id in (None, found.record.id)
        and (wanted.expired or found.certificate.not_valid_after_utc >= now())
        and (wanted.expiring is None or found.certificate.not_valid_after_utc <= wanted.expiring)
    ]


def _entries(
    installation: Installation, wanted: CertificateFilter, after: int, limit: int | None, elsewhere: Sequence[Authority]
) -> Iterator[dict[str, Any]]:
    """As JSON has them, a page of the ledger after the other."""
    names = _names(installation)
    left = sys.maxsize if limit is None else limit
    for authority in elsewhere[:left]:
        yield {"number": None, **external_issuer_as_json(authority, OF_AUTHORITY)}
    left -= len(elsewhere)
    while left > 0:
        size = min(left, READ_SIZE)
        found = installation.certificates.list(wanted=wanted, after=after, limit=size)
        revocations = installation.revocations.of(found)
        for record in found:
            revocation = revocations.get(record.id)
            yield {"number": record.id, **record.to_json_with(names.get(record.authority_id), revocation)}
        if len(found) < size:
            return
        left, after = left - size, found[-1].id


def _names(installation: Installation) -> dict[int, str]:
    return {known.record.id: known.name for known in installation.authorities.list()}


def _status(record: CertificateRecord, revocation: RevocationRecord | None) -> str:
    """Revoked or on hold, else whether it has expired."""
    if revocation is not None:
        return "on hold" if revocation.reason == HOLD else "revoked"
    return "expired" if record.not_after < now() else "good"


def _show(
    installation: Installation, wanted: CertificateFilter, after: int, limit: int, elsewhere: Sequence[Authority]
) -> None:
    names = _names(installation)
    found = installation.certificates.list(wanted=wanted, after=after, limit=limit)
    revocations = installation.revocations.of(found)
    rows = [
        (
            authority.record.serial or "-",
            "-",
            f"{authority.certificate.not_valid_after_utc:%Y-%m-%d}",
            "expired" if authority.certificate.not_valid_after_utc < now() else "good",
            OF_AUTHORITY,
            authority.record.subject,
        )
        for authority in elsewhere
    ]
    rows += [
        (
            record.serial,
            names.get(record.authority_id, "-"),
            f"{record.not_after:%Y-%m-%d}",
            _status(record, revocations.get(record.id)),
            record.profile,
            ",".join(record.names) or record.subject,
        )
        for record in found
    ]
    if not rows:
        info("No certificates found.")
    write(table(("SERIAL", "AUTHORITY", "EXPIRES", "STATUS", "PROFILE", "NAMES"), rows), None)
    if len(found) == limit:
        info(f"Next: there may be more; repeat with --after {found[-1].id}.")
