"""Copies of keys that were left where they were used before: known until they are destroyed or said to be gone."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from anchorhold.errors import KeyMismatchError, KeyMissingError
from anchorhold.issuing.claiming import claimed, subject_of
from anchorhold.seam.requests import KeyHandle, KeyRequest

if TYPE_CHECKING:
    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.place import KeyPlace
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import KeyCopy


def destroy_copy(ledger: Ledger, authority: Authority, copy: KeyCopy, place: KeyPlace) -> None:
    """Destroy a copy.

    Raises:
        BusyError: Somebody is at work on the key of that authority.
        KeyMismatchError: The backend is another one than it was left in, or it is in use.
        KeyMissingError: It is not there, so it may be somewhere else; it stays recorded.
        AnchorholdError: It may still be there.
    """
    if place.type != copy.backend_type:
        raise KeyMismatchError(
            f"{_described(authority, copy)}: is in the backend type {copy.backend_type!r}, and "
            f"{copy.key_backend!r} is {place.type!r} now",
            hint=f"set it back, or say that the copy is gone: {_forgetting(authority)}",
        )
    handle = KeyHandle(version=copy.handle["version"], data=copy.handle["data"])
    request = KeyRequest(handle=handle, public_key=authority.public_key, ca=authority.described)
    with claimed(ledger, subject_of(authority.record.id), "being cleared up", f"key of {authority.name!r}") as work:
        with work.step():
            check_unused(ledger, copy.key_backend, copy.handle)
        if not place.backend.delete_key(request, place.secrets):
            raise KeyMissingError(
                f"{_described(authority, copy)}: is not there",
                hint=f"bring back what was there, or say that it is gone: {_forgetting(authority)}",
            )
        with work.step():
            ledger.key_copies.remove(copy.id)
            ledger.events.append("key-destroyed", authority.name, key_backend=copy.key_backend)


def forget_copy(ledger: Ledger, authority: Authority, copy: KeyCopy) -> None:
    """Record that a copy is gone, because somebody says so."""
    with ledger.transaction():
        ledger.key_copies.remove(copy.id)
        ledger.events.append("key-forgotten", authority.name, key_backend=copy.key_backend)


def check_unused(ledger: Ledger, key_backend: str, handle: object, own: int | None = None) -> None:
    """Refuse to destroy a key that an authority uses, such as one that was adopted twice; within a transaction.

    Args:
        ledger: Where authorities are.
        key_backend: Alias of its backend.
        handle: Its handle, as JSON.
        own: Row number of the authority that gives it up.

    Raises:
        KeyMismatchError: Names who uses it.
    """
    for other in ledger.authorities.known():
        if other.id != own and other.key_backend == key_backend and other.handle == handle:
            raise KeyMismatchError(
                f"key in {key_backend!r}: is used by authority {other.name!r} too, so it is not destroyed",
                hint="move or abandon that authority's key first",
            )


def _described(authority: Authority, copy: KeyCopy) -> str:
    return f"copy of the key of {authority.name!r} in {copy.key_backend!r}"


def _forgetting(authority: Authority) -> str:
    return f"`anchorhold recover --destroy-copies {shlex.quote(authority.name)} --forget-key`"
