"""``view-cert``: show a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.cli.arguments import Bundle, Out, OutputFormat, Serial
from anchorhold.cli.output import Format, check_output, render, write

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def view_cert(
    context: CommandContext,
    serial: Serial,
    output_format: OutputFormat = Format.TEXT,
    bundle: Bundle = False,
    out: Out = None,
) -> None:
    """Show a certificate from the ledger."""
    check_output(out, output_format, bundle=bundle, kept=context.protected_files)
    installation = context.installation
    record = installation.certificates.get(serial)
    issuer = installation.certificates.issuer_of(record)
    revocation = installation.revocations.get(record)
    more = [("Issued by", issuer.name), ("Profile", record.profile)]
    if revocation is not None:
        more.append(("Revoked", f"{revocation.revoked_at:%Y-%m-%d %H:%M:%S} UTC ({revocation.reason})"))
    chain = installation.authorities.chain_certificates(issuer) if bundle else []
    content = render(
        record.certificate or b"",
        output_format,
        chain=[part for part in chain if part != record.certificate],
        more=more,
        record=record.to_json_with(issuer.name, revocation),
    )
    write(content, out)
