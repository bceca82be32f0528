"""``new-backend``: write the package of a new key backend, which keeps the contract as it stands."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.cli.destination import check_new_folder, write_folder
from anchorhold.cli.output import info
from anchorhold.errors import InputError
from anchorhold.plugin import BACKENDS_GROUP, discovery

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext

NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OURS: Final = ("storages", "hsm", "db", "server")
"""Names of our own distributions, which need not be installed."""
NOT_WRITTEN: Final = frozenset({"__pycache__", ".pyc"})
"""Folders and kinds of files of the template that belong to the user who ran it."""


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
    if not NAME.fullmatch(name):
        raise InputError(
            f"name {name!r}: must consist of lowercase letters and digits, with single hyphens between words",
            hint="use for example acme-kms",
        )
    _check_free(name)
    target = folder or Path(f"anchorhold-{name}")
    check_new_folder(target, context.protected_files_as_known())
    write_folder(_package(name), target)
    install, test = (shlex.quote(str(place)) for place in (f"{target}[test]", target))
    info(f"Wrote {target}. Next: pip install -e {install} && pytest {test}")


def _check_free(name: str) -> None:
    """Refuse a name by which pip would replace a distribution, or core find two backends of one type.

    Raises:
        InputError: It is taken.
    """
    plugins = {plugin.name: plugin.distribution for plugin in discovery.installed(BACKENDS_GROUP)}
    taken = {**{ours: f"anchorhold-{ours}" for ours in OURS}, **plugins}
    with suppress(PackageNotFoundError):
        taken[name] = distribution(f"anchorhold-{name}").name
    if name in taken:
        raise InputError(f"name {name!r}: is already used by {taken[name]}", hint="choose another name")


def _package(name: str) -> dict[str, bytes]:
    """Every file of the package, by its path in it."""
    with as_file(files("anchorhold") / "template") as template:
        found = [(path.relative_to(template), path) for path in template.rglob("*") if path.is_file()]
        return {
            str(path).replace("anchorhold_example", _module(name)): _named(source.read_text(), name).encode()
            for path, source in found
            if not NOT_WRITTEN & {*path.parts, path.suffix}
        }


def _module(name: str) -> str:
    return f"anchorhold_{name.replace('-', '_')}"


def _named(text: str, name: str) -> str:
    """The template speaks of a backend ``example``."""
    words = {
        "anchorhold_example": _module(name),
        "ExampleBackend": "".join(word.capitalize() for word in name.split("-")) + "Backend",
        "example": name,
    }
    return re.sub("|".join(words), lambda found: words[found[0]], text)  # at once: the name may hold one of the words
