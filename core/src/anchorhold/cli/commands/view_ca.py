"""``view-ca``: show a certificate authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.cli.arguments import Authority, Bundle, Out, OutputFormat
from anchorhold.cli.output import Format, check_output, info
from anchorhold.cli.remedies import sentence
from anchorhold.cli.rendering import show_chain
from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext
    from anchorhold.operations import authority as operations
    from anchorhold.plugin.inventory import KeyDescription


def view_ca(
    context: CommandContext,
    ca: Authority,
    output_format: OutputFormat = Format.TEXT,
    bundle: Bundle = False,
    out: Out = None,
) -> None:
    """Show a certificate authority: its certificate, where its key is stored and whether the key is usable."""
    check_output(out, output_format, bundle=bundle, kept=context.protected_files)
    authority = context.installation.authorities.get(ca)
    _ = authority.certificate  # without one there is nothing to show, and it says so
    alias = authority.record.key_backend
    context.check_used({alias})
    state = context.installation.keys.check(authority, context.secrets(alias)) if _tells(output_format) else None
    usable = state is not None and state.condition == "usable"  # one that did not answer is not asked again
    origin = _origin(context, authority) if usable else None
    show_chain(context.installation, authority, output_format, bundle=bundle, out=out, state=state, origin=origin)


def _origin(context: CommandContext, authority: operations.Authority) -> KeyDescription | None:
    """What its backend tells of the key; that it fails to is no reason to show nothing."""
    try:
        return context.installation.keys.describe(authority, context.secrets(authority.record.key_backend))
    except AnchorholdError as error:
        info(f"Where its key was made could not be found out: {sentence(error)}.")
        return None


def _tells(form: Format) -> bool:
    """Whether that form says more than the certificate does."""
    return form in (Format.TEXT, Format.JSON)
