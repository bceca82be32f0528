"""Copies of keys that were left where they were used before: known until they are destroyed or said to be gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import BusyError, KeyMismatchError, KeyMissingError
from anchorhold.operations.claims import at_work, claim_subject, claimed
from anchorhold.operations.state import KeyMove, KeyMoved, state_of
from anchorhold.plugin.requests import KeyHandle, KeyRequest
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import KeyCopy
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.operations.state import State


def destroy_copy(ledger: Ledger, authority: Authority, copy: KeyCopy, location: KeyLocation) -> None:
    """Destroy a copy.

    Raises:
        BusyError: Another process is working on the key of that authority.
        KeyMismatchError: The backend is another one than it was left in, or it is in use.
        KeyMissingError: It is not there, so it may be somewhere else; it stays recorded.
        AnchorholdError: It may still be there.
    """
    if location.type != copy.backend_type:
        raise KeyMismatchError(
            f"{_described(authority, copy)}: is in the backend type {copy.backend_type!r}, and "
            f"{copy.key_backend!r} is {location.type!r} now",
            hint="restore the previous configuration, or record that the copy is gone",
            remedy=_forgetting(authority),
        )
    handle = KeyHandle.from_json(copy.handle)
    request = KeyRequest(handle=handle, public_key=authority.public_key, ca=authority.description)
    with claimed(ledger, claim_subject(authority.record.id), "being cleaned up", f"key of {authority.name!r}") as work:
        with work.step(alone=True):
            check_unused(ledger, copy.backend_type, copy.handle)
        if not location.backend.delete_key(request, location.secrets):
            raise KeyMissingError(
                f"{_described(authority, copy)}: is not there",
                hint="restore it, or record that it is gone",
                remedy=_forgetting(authority),
            )
        with work.step():
            ledger.key_copies.remove(copy.id)
            ledger.events.append("key-destroyed", authority.record, key_backend=copy.key_backend)


def forget_copy(ledger: Ledger, authority: Authority, copy: KeyCopy) -> None:
    """Record that a copy is gone, because an operator says so."""
    with ledger.transaction():
        ledger.key_copies.remove(copy.id)
        ledger.events.append("key-forgotten", authority.record, key_backend=copy.key_backend)


def check_unused(ledger: Ledger, backend_type: str, handle: object, own: int | None = None) -> None:
    """Refuse to destroy a key that an authority uses, such as one adopted twice; in a transaction that is alone.

    Args:
        ledger: Where authorities are.
        backend_type: Of its backend; two aliases may lead to one place.
        handle: Its handle, as JSON.
        own: Row number of the authority that gives it up.

    Raises:
        KeyMismatchError: Names who uses it.
    """
    for other in ledger.authorities.all_known():
        if other.id != own and other.backend_type == backend_type and other.handle == handle:
            raise KeyMismatchError(
                f"key in {other.key_backend!r}: is used by authority {other.name!r} too, so it is not destroyed",
                hint="move or abandon that authority's key first",
            )


def check_adoptable(ledger: Ledger, handle: object, public_key: bytes, own: int) -> None:
    """Refuse to adopt a key that is being made, moved or destroyed for an authority; in a transaction that is alone.

    Args:
        ledger: Where authorities are.
        handle: Of the key, as JSON.
        public_key: DER SubjectPublicKeyInfo.
        own: Row number of the authority that adopts it.

    Raises:
        BusyError: Names that authority.
    """
    for other in ledger.authorities.all_known():
        if other.id == own or other.public_key != public_key:
            continue
        claim, current = at_work(ledger, other)
        if claim is not None:
            raise BusyError(f"key of authority {other.name!r}: is {claim.description}", hint="wait for that process")
        if _is_being_destroyed(state_of(current), handle):
            raise BusyError(
                f"key of authority {other.name!r}: was being destroyed",
                hint="check what is left to do, and finish that first",
                remedy=Remedy("recovery.pending"),
            )


def _is_being_destroyed(state: State | None, handle: object) -> bool:
    match state:
        case KeyMove():
            return state.operation == "unmove"
        case KeyMoved():
            return state.handle == handle
        case None:
            return False
        case _:
            return state.abandoning


def _described(authority: Authority, copy: KeyCopy) -> str:
    return f"copy of the key of {authority.name!r} in {copy.key_backend!r}"


def _forgetting(authority: Authority) -> Remedy:
    return Remedy("recovery.destroy_copy", {"authority": authority.name, "forget_key": True})
