"""``view-ca``: show a certificate authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.cli.arguments import Authority, Bundle, Out, OutputFormat
from anchorhold.cli.output import Format, check_output
from anchorhold.cli.present import show_chain

if TYPE_CHECKING:
    from anchorhold.cli.session import Session


def view_ca(
    session: Session, ca: Authority, output_format: OutputFormat = Format.TEXT, bundle: Bundle = False, out: Out = None
) -> None:
    """Show a certificate authority: its certificate, and where its key is."""
    check_output(out, output_format, bundle=bundle)
    show_chain(session.installation, session.installation.authority(ca), output_format, bundle=bundle, out=out)
