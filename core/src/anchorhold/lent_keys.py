"""Keys that a worker here lends to others: authorities name them by an alias of the host that asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.plugin.requests import KeyHandle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.ledger.records import AuthorityRecord
    from anchorhold.settings.model import AliasSettings, Settings


def lent_here(
    record: AuthorityRecord, settings: Settings, aliases: Mapping[str, AliasSettings]
) -> tuple[str, KeyHandle] | None:
    """The alias of this host that has the key of an authority of another host, and its handle there.

    Args:
        record: Of the authority.
        settings: Of this host; their section ``worker`` says what it lends.
        aliases: Of its key backends.

    Returns:
        None if its key is not lent from here, or is reached by an alias of this host as well.
    """
    found = None if record.handle is None else KeyHandle.from_json(record.handle).lent()
    if found is None or found[0] not in settings.worker.get("aliases", ()):
        return None
    own = aliases.get(record.key_backend)
    return None if own is not None and own.backend_type == record.backend_type else found
