"""Where the key of an authority was made, by what its backend knows, else by the history of the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.plugin.inventory import KeyDescription, KeyOrigin

_TELLING: Final[tuple[tuple[str, KeyOrigin], ...]] = (
    ("key-moved", "elsewhere"),
    ("authority-imported", "elsewhere"),
    ("authority-created", "here"),
    ("authority-requested", "here"),
)
"""Kinds of events that tell; the first one that was recorded counts."""


def described(ledger: Ledger, key: SigningKey) -> KeyDescription | None:
    """What is known of a key; None if its backend does not describe keys.

    Args:
        ledger: Its history tells the origin where the backend does not know it. A key that was adopted may have been
            made anywhere.
        key: Of the authority.

    Raises:
        AnchorholdError: As `anchorhold.plugin.inventory.InventorySpec.describe_key`.
    """
    if not key.backend.supports("describe_key"):
        return None
    found = key.backend.describe_key(key.authority.key_request, key.secrets)
    if found.made != "unknown":
        return found
    with ledger.translate_errors():
        kinds = ledger.events.kinds_of(key.authority.record.id)
    return replace(found, made=next((made for kind, made in _TELLING if kind in kinds), "unknown"))
