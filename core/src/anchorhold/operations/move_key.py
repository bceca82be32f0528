"""Moving the key of an authority to another backend, with proof that it arrived; each step is in the ledger first.

The plan of the authority's row says how far a move got, so that ``recover`` can finish or undo it:

* ``move``: the key may be in its new place, and is used in the old one;
* ``unmove``: it is used in the old one, and what is in the new place is being destroyed;
* ``moved``: the key is used in its new place, and is to be destroyed in the old one.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anchorhold.errors import (
    AnchorholdError,
    AuthorityNotReadyError,
    BusyError,
    InputError,
    KeyMismatchError,
    KeyMissingError,
    OperationUnsupportedError,
)
from anchorhold.operations.authority import Authority
from anchorhold.operations.claims import at_work, begin_claim, claim_subject, claimed, released_afterwards
from anchorhold.operations.key_copies import check_unused
from anchorhold.operations.key_sources import check_store
from anchorhold.operations.previous_release import check_not_under_way
from anchorhold.operations.rollback import log_failed_rollback
from anchorhold.operations.signing_key import SigningKey
from anchorhold.operations.state import KeyMove, KeyMoved, move_of
from anchorhold.plugin.requests import FindKeyRequest, ImportKeyRequest, KeyHandle, KeyRequest
from anchorhold.public_keys import spki
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.ledger import AuthorityRecord, Ledger
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.plugin.requests import CreatedKey
    from anchorhold.secret import Secret

logger = logging.getLogger(__name__)


def move_key(
    ledger: Ledger, authority: Authority, source: KeyLocation, target: KeyLocation, *, delete_source: bool
) -> Authority:
    """Move the key of an authority.

    Args:
        ledger: Where it is recorded.
        authority: Whose key.
        source: Where the key is.
        target: Where it will be.
        delete_source: Whether it is destroyed in its old place at last.

    Raises:
        AuthorityNotReadyError: It was never completed, or its key is being moved.
        BusyError: Another process is at work on it, or took this move over because it took too long.
        InputError: It is in that place already.
        OperationUnsupportedError: The key cannot leave its backend, or the other one takes none.
        KeyUnsupportedError: The other backend does not offer such a key.
        AnchorholdError: A backend failed; the key is where it was, and what arrived is removed again.
    """
    _check_movable(ledger, authority, source, target)
    key = _exported(authority, source)
    key_id = os.urandom(20)
    check_store(target, key_id)
    move = KeyMove(
        to=target.backend.alias,
        type=target.type,
        key_id=key_id,
        options=target.options,
        delete_source=delete_source,
    )
    with ledger.transaction():
        work = begin_claim(ledger, claim_subject(authority.record.id), "being moved", _key_of(authority))
        ledger.authorities.record_plan(authority.record, move.to_json())
        ledger.events.append("key-move-begun", authority.record, to=target.backend.alias, key_id=key_id.hex())
    with released_afterwards(work):
        authority = authority.refreshed(ledger)
        try:
            _switch_to_new_place(work, authority, source, target, move, _imported(authority, target, key_id, key))
        except Exception as error:
            _take_back(work, authority, target, move, error)
            raise
        old = authority.record.handle
        try:
            authority = _finish(work, authority.refreshed(ledger), source, target)
            if delete_source:
                _check_destroyed(ledger, authority, old)
        except AnchorholdError as error:
            error.add_step(
                "destroy the key in its old place (it is used in the new one)",
                Remedy("recovery.pending"),
            )
            raise
        return authority


def finish_move(ledger: Ledger, authority: Authority, source: KeyLocation, target: KeyLocation) -> Authority:
    """Complete a move from wherever it stands, for ``recover``.

    Raises:
        BusyError: Another process is working on it.
        AuthorityNotReadyError: It is being undone, so that what arrived may be gone.
        AnchorholdError: As `move_key`.
    """
    check_not_under_way(ledger, authority.record)
    with claimed(ledger, claim_subject(authority.record.id), "being moved", _key_of(authority)) as work:
        return _finish(work, _still_moving(ledger, authority), source, target)


def undo_move(ledger: Ledger, authority: Authority, target: KeyLocation) -> None:
    """Remove what arrived; or, if the key is used in its new place already, leave the old one where it is.

    Raises:
        BusyError: Another process is working on it.
        AnchorholdError: What arrived may still be there; the move stays recorded.
    """
    check_not_under_way(ledger, authority.record)
    with claimed(ledger, claim_subject(authority.record.id), "being moved back", _key_of(authority)) as work:
        _undo(work, _still_moving(ledger, authority), target)


def aliases_of_move(record: AuthorityRecord) -> tuple[str, str]:
    """The aliases between which a key is being moved: the old one and the new one."""
    move = move_of(record)
    if isinstance(move, KeyMoved):
        return move.key_backend, record.key_backend
    return record.key_backend, record.key_backend if move is None else move.to


def _still_moving(ledger: Ledger, authority: Authority) -> Authority:
    """An authority as it is now, whose key was being moved when it was read.

    Raises:
        BusyError: It is not any more.
    """
    current = authority.refreshed(ledger)
    if current.record.plan is None:
        raise BusyError(
            f"{_key_of(authority)}: its move has been finished or undone by another process in the meantime",
            hint="check where it is now",
            remedy=Remedy("authorities.get", {"authority": authority.name}),
        )
    return current


def _finish(work: ClaimedWork, authority: Authority, source: KeyLocation, target: KeyLocation) -> Authority:
    """Complete a move from wherever it stands."""
    move = move_of(authority.record)
    if isinstance(move, KeyMove) and move.operation == "unmove":
        raise AuthorityNotReadyError(
            f"authority {authority.name!r}: the move of its key is being undone",
            hint="finish undoing the move before you move it again",
            remedy=Remedy("recovery.abandon", {"authority": authority.name}),
        )
    if isinstance(move, KeyMove):
        found = _found(target, move)
        created = found[0] if found else _imported(authority, target, move.key_id, _exported(authority, source))
        _switch_to_new_place(work, authority, source, target, move, created)
        authority = authority.refreshed(work.ledger)
        move = move_of(authority.record)
    if isinstance(move, KeyMoved):
        _destroy_old(work, authority, source, move)
    return authority.refreshed(work.ledger)


def _undo(work: ClaimedWork, authority: Authority, target: KeyLocation) -> None:
    """Undo a move from wherever it stands; that it is undone is committed before anything is destroyed."""
    ledger, move = work.ledger, move_of(authority.record)
    if isinstance(move, KeyMove):
        keys = _found(target, move)  # a backend that cannot be asked leaves the move as it is
        with work.step(alone=True):
            _check_unused(ledger, target, keys)
            ledger.authorities.record_plan(authority.record, replace(move, operation="unmove").to_json())
        authority = authority.refreshed(ledger)
        _delete(authority, target, keys)
    with work.step():
        ledger.authorities.record_plan(authority.record, None)
        if isinstance(move, KeyMoved):
            _keep_copy(ledger, authority, move)
        ledger.events.append("key-move-ended", authority.record, undone=not isinstance(move, KeyMoved))


def _check_movable(ledger: Ledger, authority: Authority, source: KeyLocation, target: KeyLocation) -> None:
    _ = authority.certificate  # one that was never completed has nothing to move
    with ledger.translate_errors():
        claim, record = at_work(ledger, authority.record)
    if claim is not None:
        raise BusyError(f"{_key_of(authority)}: is {claim.description}", hint="wait for that process, and retry")
    if record.plan is not None:
        raise AuthorityNotReadyError(
            f"authority {authority.name!r}: a move of its key was interrupted",
            hint="finish or undo it",
            remedy=Remedy("recovery.finish", {"authority": authority.name}),
        )
    if source.backend.alias == target.backend.alias:
        raise InputError(
            f"authority {authority.name!r}: its key is already in {source.backend.alias!r}",
            hint="name another key backend",
        )
    if not target.backend.supports("import_key"):
        raise OperationUnsupportedError(
            f"{target.backend.identity}: does not accept imported keys", hint="name another key backend"
        )
    target.backend.capabilities.check(target.backend.identity, authority.spec, authority.algorithm)


def _exported(authority: Authority, source: KeyLocation) -> Secret:
    try:
        return source.backend.export_key(authority.key_request, source.secrets)
    except OperationUnsupportedError as error:
        error.hint = (
            "its keys never leave it: create a new authority in the other backend, and let both sign until the old "
            "one has expired"
        )
        raise


def _imported(authority: Authority, target: KeyLocation, key_id: bytes, key: Secret) -> CreatedKey:
    request = ImportKeyRequest(key_id=key_id, pkcs8=key, ca=authority.description, options=target.options)
    return target.backend.import_key(request, target.secrets)


def _found(target: KeyLocation, move: KeyMove) -> tuple[CreatedKey, ...]:
    target.check_type(move.type, "key that is being moved")
    request = FindKeyRequest(key_id=move.key_id, options=move.options)
    return target.backend.find_key(request, target.secrets)


def _switch_to_new_place(
    work: ClaimedWork,
    authority: Authority,
    source: KeyLocation,
    target: KeyLocation,
    move: KeyMove,
    created: CreatedKey,
) -> None:
    """Prove the key in its new place, and use it there from now on."""
    ledger, record = work.ledger, authority.record
    if spki(created.public_key) != record.public_key:
        raise KeyMismatchError(
            f"{target.backend.identity}: stored another key", hint="report this to the author of the backend"
        )
    handle = created.handle.to_json()
    moved = Authority(record.moved(key_backend=target.backend.alias, handle=handle))
    challenge = os.urandom(32)
    for place, owner in ((source, authority), (target, moved)):
        with SigningKey(owner, place.backend, place.secrets) as key:
            key.prove(challenge)
    old = KeyMoved(
        key_backend=record.key_backend,
        type=record.backend_type,
        key_id=record.key_id,
        handle=record.handle or {},
    )
    with work.step():
        ledger.authorities.move(
            record,
            key_backend=target.backend.alias,
            backend_type=target.type,
            key_id=move.key_id,
            handle=handle,
            plan=old.to_json() if move.delete_source else None,
        )
        if not move.delete_source:
            _keep_copy(ledger, authority, old)
        ledger.events.append("key-moved", authority.record, to=target.backend.alias, **old.place())


def _keep_copy(ledger: Ledger, authority: Authority, old: KeyMoved) -> None:
    """Add an old place to the list of key copies."""
    ledger.key_copies.add(
        authority.record.id,
        key_backend=old.key_backend,
        backend_type=old.type,
        key_id=old.key_id,
        handle=old.handle,
    )


def _destroy_old(work: ClaimedWork, authority: Authority, source: KeyLocation, old: KeyMoved) -> None:
    """Destroy the key in its old place; where it is not found, nobody knows whether it was destroyed before."""
    ledger, name = work.ledger, authority.name
    source.check_type(old.type, f"old key of authority {name!r}")
    with work.step(alone=True):
        check_unused(ledger, old.type, old.handle)
    request = _request(authority, KeyHandle.from_json(old.handle))
    destroyed = source.backend.delete_key(request, source.secrets)
    with work.step():
        ledger.authorities.record_plan(authority.record, None)
        if destroyed:
            ledger.events.append("key-destroyed", authority.record, key_backend=old.key_backend)
        else:
            _keep_copy(ledger, authority, old)
            ledger.events.append("key-missed", authority.record, key_backend=old.key_backend)
    if not destroyed:
        logger.warning(
            "old key of authority %r: is not in %r, so it was not destroyed here; it stays listed as left "
            "over until it is destroyed or recorded as gone",
            name,
            old.key_backend,
        )


def _check_destroyed(ledger: Ledger, authority: Authority, old: Mapping[str, Any] | None) -> None:
    with ledger.translate_errors():
        copies = ledger.key_copies.all()
    if any(copy.authority_id == authority.record.id and copy.handle == old for copy in copies):
        raise KeyMissingError(f"{_key_of(authority)}: was not found in its old place", hint="look for the missing key")


def _take_back(work: ClaimedWork, authority: Authority, target: KeyLocation, begun: KeyMove, cause: Exception) -> None:
    """After a failure: as if nothing had been begun; if that fails too, say what clears it up.

    If another process has taken the move over, it is left to them, but for a copy that nobody will ever use.
    """
    try:
        try:
            _undo(work, authority.refreshed(work.ledger), target)
        except BusyError:
            _remove_unused(work.ledger, begun, authority.refreshed(work.ledger), target)
    except Exception as error:  # whatever happens here must not hide the cause
        log_failed_rollback(error)
        if isinstance(cause, AnchorholdError):
            cause.add_step("clean up what is left of the move", Remedy("recovery.pending"))


def _remove_unused(ledger: Ledger, begun: KeyMove, authority: Authority, target: KeyLocation) -> None:
    """Destroy what this process has brought to the new place if neither the authority nor a plan names it.

    Args:
        ledger: Where both are.
        begun: What this process has recorded, and another one has taken back since.
        authority: As it is now.
        target: The new place.
    """
    current = move_of(authority.record)
    named = (authority.record.key_id, current.key_id if isinstance(current, KeyMove) else None)
    if begun.key_id not in named:
        keys = _found(target, begun)
        with ledger.transaction(alone=True):
            _check_unused(ledger, target, keys)
        _delete(authority, target, keys)


def _check_unused(ledger: Ledger, location: KeyLocation, keys: Iterable[CreatedKey]) -> None:
    for key in keys:
        check_unused(ledger, location.type, key.handle.to_json())


def _delete(authority: Authority, location: KeyLocation, keys: Iterable[CreatedKey]) -> None:
    for key in keys:
        location.backend.delete_key(_request(authority, key.handle), location.secrets)


def _key_of(authority: Authority) -> str:
    return f"key of authority {authority.name!r}"


def _request(authority: Authority, handle: KeyHandle) -> KeyRequest:
    return KeyRequest(handle=handle, public_key=authority.public_key, ca=authority.description)
