"""``view-cert``: show a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import Bundle, Out, OutputFormat
from anchorhold.cli.output import Format, check_output, render, write
from anchorhold.cli.present import certificate_as_json, der
from anchorhold.issuing.authority import Authority

if TYPE_CHECKING:
    from anchorhold.cli.session import Session


def view_cert(
    session: Session,
    serial: Annotated[
        str,
        typer.Argument(help="Serial number in hex, with or without colons, or the beginning of it.", metavar="SERIAL"),
    ],
    output_format: OutputFormat = Format.TEXT,
    bundle: Bundle = False,
    out: Out = None,
) -> None:
    """Show a certificate that is in the ledger."""
    check_output(out, output_format, bundle=bundle)
    installation = session.installation
    record = installation.certificate(serial)
    issuer = Authority(installation.ledger.authorities.get(record.authority_id))
    more = [("Issued by", issuer.name), ("Profile", record.profile)]
    chain = [der(above) for above in installation.chain(issuer)] if bundle else []
    content = render(
        record.certificate or b"",
        output_format,
        chain=[part for part in chain if part != record.certificate],
        more=more,
        record=certificate_as_json(record, issuer.name),
    )
    write(content, out)
