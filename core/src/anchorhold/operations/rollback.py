"""Taking back the creation of an authority that failed: its key, its reservations, its row.

That it is abandoned is committed before its key is destroyed, so nobody finishes it meanwhile or later.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from anchorhold.errors import AnchorholdError, BusyError, DeadlineError, KeyMissingError, OperationUnsupportedError
from anchorhold.operations.authority import Authority
from anchorhold.operations.key_copies import check_unused
from anchorhold.operations.state import pending_state_of
from anchorhold.plugin.requests import CertificateAuthority, CreatedKey, FindKeyRequest, KeyRequest
from anchorhold.public_keys import spki
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from anchorhold.ledger import AuthorityRecord
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.operations.state import PendingAuthority

logger = logging.getLogger(__name__)


def roll_back(work: ClaimedWork, location: KeyLocation, authority_id: int, cause: Exception) -> None:
    """Remove what a failed creation left behind; if that fails too, leave the row for ``recover`` and say so.

    If another process has taken the authority over, it is left to them, but for a key that this process has made and
    that nobody will ever use. If time ran out while the key was made, the row stays, too: it may be made yet.

    Args:
        work: The creation.
        location: Where the key may be.
        authority_id: The pending row.
        cause: What went wrong; its hint is completed if something stays behind.
    """
    try:
        was_asked = not isinstance(cause, DeadlineError)
        if not was_asked or not _may_be_made_yet(location, work.ledger.authorities.get(authority_id)):
            _undo(work, location, authority_id)
            return
    except Exception as error:  # whatever happens here must not hide the cause
        log_failed_rollback(error)
    if isinstance(cause, AnchorholdError):
        cause.add_step("clean up what is left of the authority", Remedy("recovery.pending"))


def log_failed_rollback(error: Exception) -> None:
    """Say nothing of what may go wrong, for the cause matters more; a defect of ours is not kept quiet."""
    if not isinstance(error, AnchorholdError):
        logger.warning("unexpected %s while rolling back; this is a bug, please report it", type(error).__name__)
    logger.debug("could not roll back", exc_info=error)


def _undo(work: ClaimedWork, location: KeyLocation, authority_id: int) -> None:
    try:
        destroy_pending_key(work, location, work.ledger.authorities.get(authority_id))
    except BusyError:
        _remove_unused(work, location, work.ledger.authorities.get(authority_id))


def _may_be_made_yet(location: KeyLocation, record: AuthorityRecord) -> bool:
    """Whether a creation that nobody waits for any more may make the key after all; looked for now, it is not there."""
    deadline = location.backend.deadline
    is_late = deadline is not None and time.monotonic() >= deadline
    return is_late and record.handle is None and not is_adopted(record) and not find_keys(location, record)


def destroy_pending_key(work: ClaimedWork, location: KeyLocation, record: AuthorityRecord) -> bool:
    """Destroy the key of a pending authority, if there is one that was not adopted, and abandon the row.

    Returns:
        Whether a key was destroyed.

    Raises:
        BusyError: Another process has taken it over; nothing was destroyed.
        KeyMissingError: It is not where it was made, so it may be somewhere else; nothing has changed.
        AnchorholdError: The key may still exist; the row stays pending.
    """
    keys = () if is_adopted(record) else find_keys(location, record)
    if keys and not is_abandoning(record) and not _is_there(location, record):
        raise KeyMissingError(
            f"authority {record.name!r}: its key {record.key_id.hex()} is not in {record.key_backend!r}, where it was "
            "made, so it was not destroyed",
            hint="restore it, or record that the key is gone",
            remedy=_forgetting(record),
        )
    record = _give_up(work, record, keys)
    deleted = _delete(location, record, keys)
    abandon_row(work, record, key_deleted=deleted)
    return deleted


def abandon_row(work: ClaimedWork, record: AuthorityRecord, **detail: bool) -> None:
    """Abandon the row of a pending authority; its name becomes free.

    Raises:
        BusyError: Another process has taken it over.
    """
    ledger = work.ledger
    with work.step():
        ledger.certificates.abandon_all(record.id)
        ledger.authorities.abandon(record)
        ledger.events.append("authority-abandoned", record, key_id=record.key_id.hex(), **detail)


def is_adopted(record: AuthorityRecord) -> bool:
    """Whether the key of a pending authority was there before it, and so stays."""
    state = pending_state_of(record)
    return state is not None and state.adopted


def is_abandoning(record: AuthorityRecord) -> bool:
    """Whether a pending authority was given up, so that its key may be gone."""
    state = pending_state_of(record)
    return state is not None and state.abandoning


def find_keys(location: KeyLocation, record: AuthorityRecord) -> tuple[CreatedKey, ...]:
    """The key of a pending authority: by its handle if that was recorded, else by its id.

    Raises:
        KeyMismatchError: The alias is of another backend type than when it was made.
        OperationUnsupportedError: The backend cannot search, so nobody knows.
    """
    location.check_type(record.backend_type, f"key of authority {record.name!r}")
    if record.handle is not None:
        authority = Authority(record)
        return (CreatedKey(handle=authority.key_handle, public_key=authority.public_key),)
    if not location.backend.supports("find_key"):
        raise OperationUnsupportedError(
            f"{location.backend.identity}: cannot search for the key {record.key_id.hex()}",
            hint="look for it manually, then abandon the authority without its key",
            remedy=_forgetting(record),
        )
    return _found(location, record)


def _is_there(location: KeyLocation, record: AuthorityRecord) -> bool:
    """Whether a key of which the handle is recorded is there now, as far as its backend can say."""
    return record.handle is None or not location.backend.supports("find_key") or bool(_found(location, record))


def _found(location: KeyLocation, record: AuthorityRecord) -> tuple[CreatedKey, ...]:
    state = pending_state_of(record)
    options = {} if state is None else state.options
    return location.backend.find_key(FindKeyRequest(key_id=record.key_id, options=options), location.secrets)


def _give_up(work: ClaimedWork, record: AuthorityRecord, keys: tuple[CreatedKey, ...]) -> AuthorityRecord:
    """Commit that the authority will never be completed, and which key is destroyed because of that."""
    with work.step(alone=True):
        _check_unused(work, record, keys)
        if is_abandoning(record):
            return record
        if keys and record.handle is None:
            handle, public_key = keys[0].handle.to_json(), spki(keys[0].public_key)
            work.ledger.authorities.record_key(record, handle=handle, public_key=public_key)
        state = cast("PendingAuthority", pending_state_of(record))  # as its status says
        work.ledger.authorities.record_plan(record, replace(state, abandoning=True).to_json())
        return work.ledger.authorities.get(record.id)


def _remove_unused(work: ClaimedWork, location: KeyLocation, record: AuthorityRecord) -> None:
    """Destroy a key that was made after its authority had been abandoned, unless it has been adopted since."""
    if record.status == "abandoned" and not is_adopted(record):
        keys = find_keys(location, record)
        with work.ledger.transaction(alone=True):
            _check_unused(work, record, keys)
        _delete(location, record, keys)


def _forgetting(record: AuthorityRecord) -> Remedy:
    return Remedy("recovery.abandon", {"authority": record.name, "forget_key": True})


def _check_unused(work: ClaimedWork, record: AuthorityRecord, keys: tuple[CreatedKey, ...]) -> None:
    for key in keys:
        check_unused(work.ledger, record.backend_type, key.handle.to_json(), own=record.id)


def _delete(location: KeyLocation, record: AuthorityRecord, keys: tuple[CreatedKey, ...]) -> bool:
    """Whether there was a key."""
    ca = CertificateAuthority(name=record.name, subject=record.subject)
    requests = [KeyRequest(handle=key.handle, public_key=key.public_key, ca=ca) for key in keys]
    return sum(location.backend.delete_key(request, location.secrets) for request in requests) > 0
