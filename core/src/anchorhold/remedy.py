"""What mends an error, for programs: an operation of the services and its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonValue: TypeAlias = "str | int | bool | list[str] | None"
"""A value of an argument; null stands for one that the caller has to choose."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """An operation that mends an error, or shows what does.

    The command line shows it as a command (`anchorhold.cli.remedies`), a web client may offer it as a link or a button.

    Attributes:
        operation: A service and its operation: ``recovery.finish``. What is no operation of an installation begins with
            ``diagnostics``, ``options``, ``packages``, ``secrets`` or ``settings``.
        arguments: JSON values by the names of the operation's parameters; never a secret.
    """

    operation: str
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arguments", MappingProxyType(dict(self.arguments)))

    def __reduce__(self) -> tuple[type[Remedy], tuple[str, dict[str, JsonValue]]]:
        return Remedy, (self.operation, dict(self.arguments))

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return {"operation": self.operation, "arguments": dict(self.arguments)}
