"""``new-wrapper``: write the package of a new wrapper, which keeps the contract as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.cli.package_template import PackageTemplate
from anchorhold.plugin import WRAPPERS_GROUP

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext

TEMPLATE: Final = PackageTemplate("wrapper_template", WRAPPERS_GROUP, "Wrapper", "acme-policy")


def new_wrapper(
    context: CommandContext,
    name: Annotated[
        str, typer.Argument(help="Name of the wrapper: lowercase letters, digits and hyphens.", metavar="NAME")
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            help="New or empty folder (default: anchorhold-NAME in the current folder).",
            metavar="FOLDER",
        ),
    ] = None,
) -> None:
    """Write a Python package for a new wrapper, with tests that run the contract of wrappers."""
    TEMPLATE.write(context, name, folder)
