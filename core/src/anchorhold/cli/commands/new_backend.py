"""``new-backend``: write the package of a new key backend, which keeps the contract as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.cli.package_template import PackageTemplate
from anchorhold.plugin import BACKENDS_GROUP

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext

TEMPLATE: Final = PackageTemplate("template", BACKENDS_GROUP, "Backend", "acme-kms")


def new_backend(
    context: CommandContext,
    name: Annotated[
        str, typer.Argument(help="Name of the backend type: lowercase letters, digits and hyphens.", metavar="NAME")
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
    """Write a Python package for a new key backend, with tests that run the backend contract."""
    TEMPLATE.write(context, name, folder)
