"""``dump-crl``: write a certificate revocation list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import Authority, Out
from anchorhold.cli.output import CrlFormat, as_json, check_output, write
from anchorhold.errors import UnknownCertificateError
from anchorhold.x509.crls import count_entries
from anchorhold.x509.pem import pem_of

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext
    from anchorhold.ledger.records import CrlRecord


def dump_crl(
    context: CommandContext,
    ca: Authority,
    shard: Annotated[
        int | None,
        typer.Option("--shard", help="Number of a partitioned CRL (default: the full CRL).", metavar="N", min=0),
    ] = None,
    output_format: Annotated[
        CrlFormat,
        typer.Option(
            "--output-format", "-f", help="Output format: pem, der, or json without the entries.", metavar="FORMAT"
        ),
    ] = CrlFormat.PEM,
    out: Out = None,
) -> None:
    """Write the latest certificate revocation list of an authority."""
    check_output(out, kept=context.protected_files)
    authority = context.installation.authorities.get(ca)
    record = context.installation.crls.latest(authority, shard)
    if record is None:
        raise UnknownCertificateError(
            f"authority {authority.name!r}: has no such CRL", hint="generate it with `anchorhold generate-crls`"
        )
    write(_shown(record, output_format), out, hint="repeat dump-crl with another file")


def _shown(record: CrlRecord, form: CrlFormat) -> bytes:
    if form is CrlFormat.DER:
        return record.der
    if form is CrlFormat.PEM:
        return pem_of(record.der, "X509 CRL").encode()
    return as_json(
        {
            "number": record.number,
            "shard": record.shard,
            "this_update": record.this_update.isoformat(),
            "next_update": record.next_update.isoformat(),
            "revoked": count_entries(record.der),
        }
    )
