"""``import-cert``: record a certificate that an authority issued outside this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import SigningAuthority
from anchorhold.cli.inputs import read_input
from anchorhold.cli.output import info
from anchorhold.x509.certificates import load_certificate

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def import_cert(
    context: CommandContext,
    certificate: Annotated[
        str, typer.Argument(help="Certificate file, PEM or DER; - for standard input.", metavar="CERTIFICATE")
    ],
    ca: SigningAuthority,
) -> None:
    """Record a certificate that an authority issued outside this installation, so that it can be revoked here."""
    loaded = load_certificate(read_input(certificate, "certificate"), certificate, lenient=True)
    record = context.installation.certificates.import_(ca, loaded)
    info(f"Imported certificate {record.serial} for {record.subject or ','.join(record.names)}.")
