"""Where a key is or will be: a backend, and what it needs to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anchorhold.errors import KeyMismatchError

if TYPE_CHECKING:
    from anchorhold.plugin.backend_options import OptionValues
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import Secrets


@dataclass(frozen=True, slots=True)
class KeyLocation:
    """A place for keys, as one command uses it.

    Attributes:
        backend: The backend of an alias.
        type: Its backend type.
        secrets: For that alias.
        options: Values of its options, complete, without secrets.
    """

    backend: KeyBackend
    type: str
    secrets: Secrets
    options: OptionValues = field(default_factory=dict)

    def check_type(self, made_by: str, what: str) -> None:
        """Refuse to look for a key in a backend of another type than the one that has it.

        Args:
            made_by: The type that has it.
            what: Whose key, in messages.

        Raises:
            KeyMismatchError: The alias leads somewhere else by now.
        """
        check_backend_type(self.backend.alias, self.type, made_by, what)


def check_backend_type(alias: str, found: str, made_by: str, what: str) -> None:
    """See `KeyLocation.check_type`.

    Args:
        alias: Where the key is.
        found: The type of that alias.
        made_by: The type that has the key.
        what: Whose key, in messages.

    Raises:
        KeyMismatchError: They differ.
    """
    if found != made_by:
        raise KeyMismatchError(
            f"{what}: is in the backend type {made_by!r}, and {alias!r} is {found!r} here",
            hint=f"work where key_backends.{alias} is of that type, or set it back to it",
        )
