"""The file that tells `anchorhold.testing.toml_contract` of a backend: read, and checked before any rule is tried."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold.plugin import Capabilities, SecretReference
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class TableShape:
    """What a table of the file must be.

    Attributes:
        fits: Whether it is.
        demand: What to write, for the message.
    """

    fits: Callable[[Any], bool]
    demand: str


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_command(value: Any) -> bool:
    words = value.get("command") if _is_table(value) and len(value) == 1 else None
    return isinstance(words, list) and bool(words) and all(isinstance(word, str) for word in words)


def _is_by_version(value: Any) -> bool:
    return _is_table(value) and all(version.isdecimal() and _is_table(value[version]) for version in value)


def _is_by_name(value: Any) -> bool:
    return _is_table(value) and all(isinstance(found, str | dict) for found in value.values())


OPTIONS: Final = TableShape(_is_table, "write one name and its value in each line below it")
"""Options of the settings."""
_SECRETS: Final = TableShape(_is_by_name, 'give each secret as text, { env = "VARIABLE" } or { file = "PATH" }')
_COMMAND: Final = TableShape(_is_command, 'write command = ["PROGRAM", "ARGUMENT"] below it')

TABLES: Final[Mapping[str, TableShape]] = {
    "options": OPTIONS,
    "other": OPTIONS,
    "unreachable": OPTIONS,
    "ocsp": OPTIONS,
    "key": OPTIONS,
    "secrets": _SECRETS,
    "wrong-secrets": _SECRETS,
    "offers": OPTIONS,
    "adoption": OPTIONS,
    "old-handles": TableShape(_is_by_version, "write [old-handles.1], with the number of a version"),
    "vanish": _COMMAND,
    "stored": _COMMAND,
    "settings": OPTIONS,
}
"""What may stand in the file."""


def read(path: Path, tables: Mapping[str, TableShape] = TABLES) -> dict[str, Any]:
    """Read the file and check the shape of what is in it.

    Args:
        path: The file.
        tables: What may stand in it.

    Raises:
        pytest.UsageError: It cannot be read, or something in it is not known or not what it must be.
    """
    told = _parsed(path)
    for name, value in told.items():
        if name not in tables:
            raise pytest.UsageError(f"{path}: [{name}] is not known; {suggestion(name, tables)}")
        if not tables[name].fits(value):
            raise pytest.UsageError(f"{path}: [{name}] has not the shape it must have; {tables[name].demand}")
    for table in ("secrets", "wrong-secrets"):
        for name, value in told.get(table, {}).items():
            secret(name, value, table)
    return told


def secret(name: str, value: object, table: str = "secrets") -> str:
    """The value of a secret.

    Args:
        name: Its name.
        value: What the file says.
        table: Where it says so.

    Raises:
        pytest.UsageError: It cannot be read, or is empty.
    """
    try:
        found = SecretReference.parse(value).resolve(os.environ)
    except ValueError as error:
        raise pytest.UsageError(f"{table}.{name}: {error}") from None
    if not found:
        raise pytest.UsageError(f"{table}.{name}: is not set or empty; set what it names")
    return found.reveal()


def offered(given: Mapping[str, Any], declared: Capabilities, path: Path) -> Capabilities:
    """What an instance offers.

    Args:
        given: ``[offers]``.
        declared: What its class declares, which goes for all that is left out.
        path: The file, for messages.

    Raises:
        pytest.UsageError: Something is not known, of another kind, or not declared.
    """
    known = [field.name for field in fields(Capabilities) if isinstance(field.default, tuple)]
    for name, values in given.items():
        if name not in known:
            raise pytest.UsageError(f"{path}: offers.{name} is not known; {suggestion(name, known)}")
        fits, demand = _sizes(values, declared) if name == "rsa_sizes" else _names(values, getattr(declared, name))
        if not fits:
            raise pytest.UsageError(f"{path}: offers.{name} is not what it must be; {demand}")
    offers: dict[str, Any] = {name: tuple(values) for name, values in given.items()}
    return replace(declared, **offers)


def _sizes(values: Any, declared: Capabilities) -> tuple[bool, str]:
    least, most = declared.rsa_sizes
    pair = isinstance(values, list) and len(values) == 2 and all(type(size) is int for size in values)
    demand = (
        f"write the smallest and the largest modulus, as in [{least}, {most}], and no other than the class declares"
    )
    return pair and least <= values[0] <= values[1] <= most, demand


def _names(values: Any, declared: tuple[str, ...]) -> tuple[bool, str]:
    """A list; an empty one would leave rules untried."""
    listed = isinstance(values, list) and bool(values) and all(isinstance(name, str) for name in values)
    return listed and set(values) <= set(declared), f"write a list of at least one of: {', '.join(declared)}"


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise pytest.UsageError(f"{path}: cannot be read ({error.strerror}); name another file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise pytest.UsageError(f"{path}: is not valid TOML ({error}); correct it") from error
