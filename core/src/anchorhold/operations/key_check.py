"""Whether the key of an authority can be used now: it is looked up, lent, and signs a probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from anchorhold.errors import AnchorholdError, SecretMissingError

if TYPE_CHECKING:
    from anchorhold.operations.signing_key import SigningKey

KeyCondition: TypeAlias = Literal["usable", "unusable", "unchecked"]


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What a check has found.

    Attributes:
        condition: ``unchecked`` if a secret would be needed that was not given.
        problem: Why it is not usable; None if it is.
    """

    condition: KeyCondition
    problem: AnchorholdError | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"condition": self.condition, "problem": None if self.problem is None else self.problem.to_json()}


def check_key(key: SigningKey) -> KeyStatus:
    """Sign a probe with a key, and close it."""
    try:
        with key:
            key.prove()
    except SecretMissingError as error:
        return KeyStatus("unchecked", error)
    except AnchorholdError as error:
        return KeyStatus("unusable", error)
    return KeyStatus("usable")
