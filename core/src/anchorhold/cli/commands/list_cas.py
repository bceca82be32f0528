"""``list-cas``: list certificate authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.output import ListFormat, as_json, info, table, write
from anchorhold.cli.rendering import authority_as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.operations.authority import Authority


def list_cas(context: CommandContext, output_format: OutputListFormat = ListFormat.TEXT) -> None:
    """List certificate authorities, each below its issuer."""
    authorities = _as_tree(context.installation.authorities.list())
    if output_format is ListFormat.JSON:
        write(as_json([authority_as_json(context.installation, found) for found, _ in authorities]), None)
        return
    rows = [
        (
            "  " * depth + found.name,
            found.record.status,
            found.record.serial or "-",
            f"{found.record.not_after:%Y-%m-%d}" if found.record.not_after else "-",
            found.record.key_backend,
            found.record.subject,
        )
        for found, depth in authorities
    ]
    if not rows:
        info("No authorities yet. Next: create one with `anchorhold init-ca NAME SUBJECT`.")
    write(table(("NAME", "STATUS", "SERIAL", "EXPIRES", "KEY BACKEND", "SUBJECT"), rows), None)


def _as_tree(authorities: Sequence[Authority]) -> list[tuple[Authority, int]]:
    known = {found.record.id for found in authorities}

    def below(parent: int | None, depth: int) -> list[tuple[Authority, int]]:
        found = [a for a in authorities if (a.record.parent_id if a.record.parent_id in known else None) == parent]
        return [entry for child in found for entry in ((child, depth), *below(child.record.id, depth + 1))]

    return below(None, 0)
