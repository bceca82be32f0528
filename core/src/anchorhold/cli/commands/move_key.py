"""``move-key``: move the key of a certificate authority to another key backend."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import Authority
from anchorhold.cli.completion import complete_key_backend
from anchorhold.cli.output import info

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def move_key(
    context: CommandContext,
    ca: Authority,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="Alias of the new key backend.", metavar="ALIAS", autocompletion=complete_key_backend
        ),
    ],
    delete_source: Annotated[
        bool, typer.Option("--delete-source", help="Destroy the key in the old key backend once the new one is in use.")
    ] = False,
) -> None:
    """Move the key of a certificate authority to another key backend, and verify that it works there."""
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
    outcome = "is destroyed" if delete_source else "remains"
    info(f"Moved the key of {moved.name} from {old!r} to {to!r}; the copy in {old!r} {outcome}.")
    if not delete_source:
        info(f"Next: destroy that copy with `anchorhold recover --destroy-copies {shlex.quote(moved.name)}`.")
