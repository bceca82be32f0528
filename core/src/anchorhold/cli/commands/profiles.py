"""``profiles``: the profiles that can be named, and what certificates of one contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.completion import complete_profile
from anchorhold.cli.output import ListFormat, as_json, info, table, write
from anchorhold.profiles import find_profile
from anchorhold.profiles.description import described_profiles

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def profiles(
    context: CommandContext,
    name: Annotated[
        str | None,
        typer.Argument(help="Profile to show (default: list all).", metavar="NAME", autocompletion=complete_profile),
    ] = None,
    output_format: OutputListFormat = ListFormat.TEXT,
) -> None:
    """List built-in and configured profiles, or show what certificates of one profile contain."""
    settings = context.installation.loaded.settings
    known = described_profiles(settings.profiles, settings.default_profile)
    if name is None:
        if output_format is ListFormat.JSON:
            write(as_json([found.summary() for found in known]), None)
            return
        rows = [(found.name, found.origin, found.profile.description) for found in known]
        write(table(("NAME", "ORIGIN", "DESCRIPTION"), rows), None)
        info(f"The default is {settings.default_profile}. Next: see one with `anchorhold profiles NAME`.")
        return
    find_profile(name, settings.profiles)  # which says what is nearest to a name that is not known
    (found,) = (found for found in known if found.name == name)
    write(as_json(found.as_json()) if output_format is ListFormat.JSON else f"{found.as_text()}\n".encode(), None)
