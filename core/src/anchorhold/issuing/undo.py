"""Taking back the creation of an authority that failed: its key, its reservations, its row."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, OperationUnsupportedError
from anchorhold.issuing.authority import Authority
from anchorhold.seam.requests import CertificateAuthority, CreatedKey, FindKeyRequest, KeyRequest

if TYPE_CHECKING:
    from anchorhold.issuing.place import KeyPlace
    from anchorhold.ledger import AuthorityRecord, Ledger

logger = logging.getLogger(__name__)


def undo(ledger: Ledger, place: KeyPlace, authority_id: int, cause: Exception) -> None:
    """Remove what a failed creation left behind; if that fails too, leave the row for ``recover`` and say so.

    Args:
        ledger: Where the pending row is.
        place: Where the key may be.
        authority_id: The pending row.
        cause: What went wrong; its hint is completed if something stays behind.
    """
    try:
        remove(ledger, place, ledger.authorities.get(authority_id))
    except Exception as error:  # whatever happens here must not hide the cause
        logger.debug("could not undo", exc_info=error)
        if isinstance(cause, AnchorholdError):
            cause.hint += ", and clear up what was begun with `anchorhold recover`"


def remove(ledger: Ledger, place: KeyPlace, record: AuthorityRecord) -> bool:
    """Destroy the key of a pending authority, if there is one that was not adopted, and abandon the row.

    Returns:
        Whether a key was destroyed.

    Raises:
        AnchorholdError: The key may still exist; the row stays pending.
    """
    keys = () if is_adopted(record) else find_keys(place, record)
    ca = CertificateAuthority(name=record.name, subject=record.subject)
    for key in keys:
        place.backend.delete_key(KeyRequest(handle=key.handle, public_key=key.public_key, ca=ca), place.secrets)
    with ledger.transaction():
        ledger.certificates.abandon_all(record.id)
        ledger.authorities.abandon(record.id)
        ledger.events.append("authority-abandoned", record.name, key_id=record.key_id.hex(), key_deleted=bool(keys))
    return bool(keys)


def is_adopted(record: AuthorityRecord) -> bool:
    """Whether the key of a pending authority was there before it, and so stays."""
    return bool((record.plan or {}).get("adopted"))


def find_keys(place: KeyPlace, record: AuthorityRecord) -> tuple[CreatedKey, ...]:
    """The key of a pending authority: by its handle if that was recorded, else by its id.

    Raises:
        OperationUnsupportedError: The backend cannot search, so nobody knows.
    """
    if record.handle is not None:
        authority = Authority(record)
        return (CreatedKey(handle=authority.key_handle, public_key=authority.public_key),)
    if not place.backend.supports("find_key"):
        raise OperationUnsupportedError(
            f"{place.backend.owner}: cannot search for the key {record.key_id.hex()}",
            hint="look for it by hand, then abandon the authority with --forget-key",
        )
    options = (record.plan or {}).get("options", {})
    return place.backend.find_key(FindKeyRequest(key_id=record.key_id, options=options), place.secrets)
