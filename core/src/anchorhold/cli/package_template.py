"""Packages of plugins to begin with: a template of core under the name that was asked for."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.cli.destination import check_new_folder, write_folder
from anchorhold.cli.output import info
from anchorhold.errors import InputError
from anchorhold.plugin import discovery

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext

NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OURS: Final = ("storages", "hsm", "db", "server")
"""Names of our own distributions, which need not be installed."""
NOT_WRITTEN: Final = frozenset({"__pycache__", ".pyc"})
"""Folders and kinds of files of the template that belong to the user who ran it."""


@dataclass(frozen=True, slots=True)
class PackageTemplate:
    """What a package is made from. Everything in it is called ``example``.

    Attributes:
        folder: Its name below the package of core.
        group: Entry-point group of the plugin.
        suffix: How the name of its class ends.
        usual: A name for the hint of an error.
    """

    folder: str
    group: str
    suffix: str
    usual: str

    def write(self, context: CommandContext, name: str, folder: Path | None) -> None:
        """Write the package, and say how to go on.

        Args:
            context: Of the command.
            name: Of the plugin.
            folder: New or empty; None for one called after the package.

        Raises:
            InputError: The name is not usable, or taken.
            OutputError: The folder is not empty, or cannot be written.
        """
        if not NAME.fullmatch(name):
            raise InputError(
                f"name {name!r}: must consist of lowercase letters and digits, with single hyphens between words",
                hint=f"use for example {self.usual}",
            )
        self._check_free(name)
        target = folder or Path(f"anchorhold-{name}")
        check_new_folder(target, context.protected_files_as_known())
        write_folder(self._package(name), target)
        install, test = (shlex.quote(str(place)) for place in (f"{target}[test]", target))
        info(f"Wrote {target}. Next: pip install -e {install} && pytest {test}")

    def _check_free(self, name: str) -> None:
        """Refuse a name by which pip would replace a distribution, or core find two plugins.

        Raises:
            InputError: It is taken.
        """
        plugins = {plugin.name: plugin.distribution for plugin in discovery.installed(self.group)}
        taken = {**{ours: f"anchorhold-{ours}" for ours in OURS}, **plugins}
        with suppress(PackageNotFoundError):
            taken[name] = distribution(f"anchorhold-{name}").name
        if name in taken:
            raise InputError(f"name {name!r}: is already used by {taken[name]}", hint="choose another name")

    def _package(self, name: str) -> dict[str, bytes]:
        """Every file of the package, by its path in it."""
        with as_file(files("anchorhold") / self.folder) as template:
            found = [(path.relative_to(template), path) for path in template.rglob("*") if path.is_file()]
            return {
                str(path).replace("anchorhold_example", _module(name)): self._named(source.read_text(), name).encode()
                for path, source in found
                if not NOT_WRITTEN & {*path.parts, path.suffix}
            }

    def _named(self, text: str, name: str) -> str:
        words = {
            "anchorhold_example": _module(name),
            f"Example{self.suffix}": "".join(word.capitalize() for word in name.split("-")) + self.suffix,
            "example": name,
        }
        pattern = "|".join(words)  # all at once: the name may hold one of the words
        return re.sub(pattern, lambda found: words[found[0]], text)


def _module(name: str) -> str:
    return f"anchorhold_{name.replace('-', '_')}"
