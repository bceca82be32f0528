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
        if self.type != made_by:
            alias = self.backend.alias
            raise KeyMismatchError(
                f"{what}: is in the backend type {made_by!r}, and {alias!r} is {self.type!r} now",
                hint=f"set key_backends.{alias} to its previous type",
            )
