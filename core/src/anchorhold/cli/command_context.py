"""What a command works with: the installation, and the options of key backends given on the command line."""

from __future__ import annotations

import getpass
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anchorhold.cli.protected_files import protected_as_known, protected_by_settings
from anchorhold.errors import AnchorholdError, SecretMissingError, UnusedOptionError
from anchorhold.installation import Installation, open_installation
from anchorhold.plugin.backend_options import options_of
from anchorhold.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from anchorhold.cli.command_table import Command
    from anchorhold.cli.global_options import GlobalOptions
    from anchorhold.cli.protected_files import ProtectedFiles
    from anchorhold.plugin import Operation
    from anchorhold.plugin.backend_options import BackendOption, OptionValues


class CommandContext:
    """One run of a command.

    Args:
        root: What was given before the name of the command.
        creates: Whether the command may make the ledger; another one looks into an empty one where nothing is.
    """

    def __init__(self, root: GlobalOptions, *, creates: bool = False) -> None:
        self._root = root
        self._creates = creates
        self._given: dict[BackendOption, Any] = {}
        self._timed: Installation | None = None

    @property
    def installation(self) -> Installation:
        """The installation that the settings describe; with a time-out, which begins again after `close`."""
        if self._timed is None:
            timeout = self._root.timeout
            self._timed = self._opened if timeout is None else self._opened.within(timeout)
        return self._timed

    @cached_property
    def _opened(self) -> Installation:
        prompter = _ask if _has_terminal() else None
        return open_installation(self._root.config, prompter=prompter, create=self._creates, blank=not self._creates)

    def protected_files(self) -> ProtectedFiles:
        """What the settings say of files that no result is written to."""
        return protected_by_settings(self.installation.loaded, os.environ)

    def protected_files_as_known(self) -> ProtectedFiles:
        """The same for a command that needs no settings; see `anchorhold.cli.protected_files.protected_as_known`."""
        return protected_as_known(self._root.config, os.environ)

    def begin(self) -> None:
        """Do what was asked for before the name of the command."""
        if self._root.retry_refused_pins:
            self.installation.keys.forget_refused_pins()

    def backend_options(self, command: Command) -> list[BackendOption]:
        """The options of every configured alias for that command; an alias that cannot be bound has none."""
        if not command.operations:
            return []
        options: list[BackendOption] = []
        for alias in self.installation.backends.aliases():
            self.installation.backends.wrappers(alias)  # one that cannot be used stops everything
            try:
                options += self._options_of(alias, command)
            except AnchorholdError as error:  # a broken backend stops what uses it
                self._root.broken[alias] = error
        return options

    def _options_of(self, alias: str, command: Command) -> list[BackendOption]:
        backend = self.installation.backends.get(alias)
        own: dict[tuple[str, bool], BackendOption] = {}
        for operation in command.operations:
            for option in options_of(backend, operation):
                own.setdefault((option.name, option.prompt), option)
        return [*own.values(), *(options_of(backend, "use", parent=True) if command.parent else ())]

    def set_option_values(self, given: Mapping[BackendOption, Any]) -> None:
        """Remember what was given for the options of aliases; turn secrets into `Secret` at once."""
        for option, value in given.items():
            if value is None or (option.prompt and not value):
                continue
            self._given[option] = Secret(value) if option.secret else value

    def secrets(self, alias: str, *, parent: bool = False) -> dict[str, Secret]:
        """Secrets given for an alias; those that are to be asked for are asked for now."""
        given = {
            option: value for option, value in self._given.items() if (option.alias, option.parent) == (alias, parent)
        }
        asked = {option.name: _ask_twice(option.name) for option in given if option.prompt}
        return asked | {option.name: value for option, value in given.items() if option.secret}

    def options(self, alias: str, operation: Operation) -> OptionValues:
        """Other options given for the keys of an alias.

        Raises:
            UnusedOptionError: One was given that belongs to another operation.
        """
        given = {
            option: value for option, value in self._given.items() if (option.alias, option.parent) == (alias, False)
        }
        known = {option.name for option in options_of(self.installation.backends.get(alias), operation)}
        for option in given:
            if option.name not in known:
                raise UnusedOptionError(
                    f"{option.flag}: does not apply to this use of the command ({operation})",
                    hint="omit it, or see --help",
                )
        return {option.name: value for option, value in given.items() if not (option.secret or option.prompt)}

    def close(self) -> None:
        """Close what was opened."""
        if self._timed is not None:
            self._timed.close()
            self._timed = None

    def ask(self, question: str) -> Secret | None:
        """Ask a person for a secret; None if there is nobody, or nothing was typed."""
        return (_ask(question) or None) if _has_terminal() else None

    def check_used(self, own: Collection[str], parent: Collection[str] = ()) -> None:
        """Refuse options for an alias that this run does not use.

        Args:
            own: Aliases whose own options are used.
            parent: Aliases whose options for the key of a parent are used.

        Raises:
            UnusedOptionError: One was given for another alias.
        """
        for option in self._given:
            used = parent if option.parent else own
            if option.alias not in used:
                role = "for the key of a parent in" if option.parent else "for"
                raise UnusedOptionError(
                    f"{option.flag}: is {role} key backend {option.alias!r}, which this command does not use",
                    hint=f"omit it; key backends in use: {', '.join(sorted(used)) or 'none'}",
                )


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _ask(question: str) -> Secret:
    try:
        return Secret(getpass.getpass(f"{question}: ", stream=sys.stderr))
    except EOFError:
        raise SecretMissingError(
            f"{question}: is missing", hint="type it, or give it by option or environment variable"
        ) from None


def _ask_twice(name: str) -> Secret:
    what = name.replace("-", " ")
    if not _has_terminal():
        raise SecretMissingError(
            f"{what}: cannot be prompted for without a terminal", hint="give it by file or environment variable"
        )
    first = _ask(what.capitalize())
    if not first or first != _ask(f"{what.capitalize()} again"):
        raise SecretMissingError(f"{what}: is empty, or the two entries differ", hint="try again")
    return first
