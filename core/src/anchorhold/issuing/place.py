"""Where a key is or will be: a backend, and what it needs to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.options import OptionValues
    from anchorhold.seam.requests import Secrets


@dataclass(frozen=True, slots=True)
class KeyPlace:
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
