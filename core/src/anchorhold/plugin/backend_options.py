"""The options backends add to commands: flags, prefixes and variables made from the name and the alias."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from anchorhold.errors import BackendContractError, OptionConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import Operation, OptionValue

OptionValues: TypeAlias = "Mapping[str, OptionValue]"
"""Values of options that are not secret, by their names."""

RESERVED_VARIABLES = ("ANCHORHOLD_CA_DIR", "ANCHORHOLD_CONFIG", "ANCHORHOLD_DATABASE", "ANCHORHOLD_IMPORT_PASSWORD")
"""Variables that no secret may be given by."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

DEFAULT_ALIAS = "default"
"""The alias whose options have no prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOption:
    """One option of one alias, for its own keys or for those of a parent authority.

    Attributes:
        alias: The alias it belongs to.
        identity: The backend it belongs to, for messages.
        parent: Whether it is for the key of the parent.
        name: As the backend knows it, without prefix.
        help: One sentence.
        secret: Whether it reaches the backend through `Secrets`.
        scope: ``alias`` if one value serves every key, ``key`` if each key has its own.
        default: Of an option that is not secret.
        prompt: Whether the option is the flag that asks for the secret `name`.
    """

    alias: str
    identity: object
    parent: bool
    name: str
    help: str
    secret: bool = False
    scope: Literal["alias", "key"] = "alias"
    default: OptionValue = None
    prompt: bool = False

    @property
    def flag(self) -> str:
        """The command-line flag: ``--user-pin``, ``--hsm-user-pin``, ``--hsm-parent-user-pin``."""
        return flag_of(self.alias, self.name, parent=self.parent) + ("-prompt" if self.prompt else "")

    @property
    def variable(self) -> str:
        """The environment variable of a secret."""
        return variable_of(self.alias, self.name, parent=self.parent)

    @property
    def is_flag(self) -> bool:
        """Whether it takes no value."""
        return self.prompt or isinstance(self.default, bool)


def flag_of(alias: str, name: str, *, parent: bool) -> str:
    """The command-line flag of an option, without its value."""
    prefix = "" if alias == DEFAULT_ALIAS else f"{alias}-"
    return f"--{prefix}{'parent-' if parent else ''}{name}"


def variable_of(alias: str, name: str, *, parent: bool) -> str:
    """The environment variable of a secret; with ``_FILE`` appended it names a file."""
    return "ANCHORHOLD_" + flag_of(alias, name, parent=parent)[2:].replace("-", "_").upper()


def options_of(backend: KeyBackend, operation: Operation, *, parent: bool = False) -> list[BackendOption]:
    """Ask a backend for the options of its alias.

    Args:
        backend: The backend.
        operation: What the command does with keys.
        parent: Whether the keys are those of a parent authority.

    Raises:
        BackendContractError: An option is named badly or twice.
    """
    options: dict[str, BackendOption] = {}

    def add(
        name: str,
        *,
        help: str,  # noqa: A002
        secret: bool = False,
        scope: Literal["alias", "key"] = "alias",
        default: OptionValue = None,
    ) -> None:
        given: tuple[Any, ...] = (name, help, "" if default is None else default)
        if not all(isinstance(value, kind) for value, kind in zip(given, (str, str, str | bool), strict=True)):
            raise BackendContractError(
                f"{backend.identity}: adds an option whose name or help is not text, or whose default is neither "
                "text nor a bool",
                hint="report this to the author of the backend",
            )
        if name in options or not _NAME.fullmatch(name) or not help:
            raise BackendContractError(
                f"{backend.identity}: adds the option {name!r} twice, without help, or not in lower-case-with-hyphens",
                hint="report this to the author of the backend",
            )
        options[name] = BackendOption(
            alias=backend.alias,
            identity=backend.identity,
            parent=parent,
            name=name,
            help=help,
            secret=secret,
            scope=scope,
            default=default,
        )

    backend.add_cli_options(add, operation)
    return [*options.values(), *_prompts(options.values(), operation)]


def _prompts(options: Iterable[BackendOption], operation: Operation) -> list[BackendOption]:
    """Flags that ask for each secret that a new key is given."""
    if operation == "use":
        return []
    return [
        BackendOption(
            alias=option.alias,
            identity=option.identity,
            parent=option.parent,
            name=option.name,
            help=f"Ask for {option.flag} at the terminal, twice.",
            prompt=True,
        )
        for option in options
        if option.secret and option.scope == "key"
    ]


def check_flags(options: Iterable[BackendOption], taken: Iterable[str], command: str) -> None:
    """Refuse two options with one flag or variable; typer would silently give a flag to the later one.

    Args:
        options: Of all aliases.
        taken: Flags of the command itself.
        command: Its name, for the message.

    Raises:
        OptionConflictError: Names both owners.
    """
    owners: dict[str, object] = dict.fromkeys((*taken, "--help"), f"the command {command}")
    owners |= dict.fromkeys(RESERVED_VARIABLES, "anchorhold itself")
    for option in options:
        for name in (option.flag, *((option.variable, f"{option.variable}_FILE") if option.secret else ())):
            if name in owners:
                raise OptionConflictError(
                    f"{name}: both {owners[name]} and {option.identity} have this option",
                    hint="rename one of the aliases in the settings",
                )
            owners[name] = option.identity
