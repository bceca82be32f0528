"""``move-key``: move the key of a certificate authority to another key backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import Authority
from anchorhold.cli.output import info

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def move_key(
    context: CommandContext,
    ca: Authority,
    to: Annotated[str, typer.Option("--to", help="Alias of the key backend it is moved to.", metavar="ALIAS")],
    delete_source: Annotated[
        bool, typer.Option("--delete-source", help="Destroy the key in its old place once it is used in the new one.")
    ] = False,
) -> None:
    """Move the key of a certificate authority to another key backend, with proof that it works there."""
    installation = context.installation
    authority = installation.authorities.get(ca)
    old = authority.record.key_backend
    context.check_used({old, to})
    if old != to:
        context.options(old, "use")
    moved = installation.keys.move(
        authority,
        to,
        options=context.options(to, "import"),
        secrets=context.secrets(to),
        source_secrets=context.secrets(old),
        delete_source=delete_source,
    )
    fate = "was destroyed" if delete_source else "is still there too"
    info(f"Moved the key of {moved.name} from {old!r} to {to!r}; in {old!r} it {fate}.")
