"""Moving the key of an authority to another backend, with proof that it arrived; each step is in the ledger first.

The plan of the authority's row says how far a move got, so that ``recover`` can finish or undo it:

* ``move``: the key may be in its new place, and is used in the old one;
* ``moved``: the key is used in its new place, and is to be destroyed in the old one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import (
    AnchorholdError,
    AuthorityNotReadyError,
    InputError,
    KeyMismatchError,
    OperationUnsupportedError,
)
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.key import AuthorityKey
from anchorhold.issuing.sources import check_store
from anchorhold.publickeys import spki
from anchorhold.seam.requests import FindKeyRequest, ImportKeyRequest, KeyHandle, KeyRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.issuing.place import KeyPlace
    from anchorhold.ledger import AuthorityRecord, Ledger
    from anchorhold.seam.requests import CreatedKey
    from anchorhold.secret import Secret

MOVE: Final = "move"
MOVED: Final = "moved"


def move_key(
    ledger: Ledger, authority: Authority, source: KeyPlace, target: KeyPlace, *, delete_source: bool
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
        InputError: It is in that place already.
        OperationUnsupportedError: The key cannot leave its backend, or the other one takes none.
        KeyUnsupportedError: The other backend does not offer such a key.
        AnchorholdError: A backend failed; the key is where it was, and what arrived is removed again.
    """
    _check_movable(authority, source, target)
    key = _exported(authority, source)
    key_id = os.urandom(20)
    check_store(target, key_id)
    plan = {
        "operation": MOVE,
        "to": target.backend.alias,
        "type": target.type,
        "key_id": key_id.hex(),
        "options": dict(target.options),
        "delete_source": delete_source,
    }
    with ledger.transaction():
        if ledger.authorities.get(authority.record.id).plan is not None:
            raise _under_way(authority)
        ledger.authorities.record_plan(authority.record.id, plan)
        ledger.events.append("key-move-begun", authority.name, to=target.backend.alias, key_id=key_id.hex())
    try:
        _arrive(ledger, authority, source, target, plan, _imported(authority, target, key_id, key))
    except Exception as error:
        _take_back(ledger, authority, target, error)
        raise
    try:
        return finish_move(ledger, Authority(ledger.authorities.get(authority.record.id)), source, target)
    except AnchorholdError as error:
        error.hint += ", then `anchorhold recover`: the key is used in its new place, and not destroyed in the old one"
        raise


def finish_move(ledger: Ledger, authority: Authority, source: KeyPlace, target: KeyPlace) -> Authority:
    """Complete a move from wherever it stands; also what ``recover`` does.

    Raises:
        AnchorholdError: As `move_key`.
    """
    plan = authority.record.plan or {}
    if plan.get("operation") == MOVE:
        key_id = bytes.fromhex(plan["key_id"])
        found = _found(target, plan)
        created = found[0] if found else _imported(authority, target, key_id, _exported(authority, source))
        _arrive(ledger, authority, source, target, plan, created)
        authority = Authority(ledger.authorities.get(authority.record.id))
        plan = authority.record.plan or {}
    if plan.get("operation") == MOVED:
        _destroy_old(ledger, authority, source, plan["from"])
    return Authority(ledger.authorities.get(authority.record.id))


def undo_move(ledger: Ledger, authority: Authority, target: KeyPlace) -> None:
    """Remove what arrived; or, if the key is used in its new place already, leave the old one where it is.

    Raises:
        AnchorholdError: What arrived may still be there; the move stays recorded.
    """
    plan = authority.record.plan or {}
    if plan.get("operation") == MOVE:
        for key in _found(target, plan):
            target.backend.delete_key(_request(authority, key.handle), target.secrets)
    with ledger.transaction():
        ledger.authorities.record_plan(authority.record.id, None)
        ledger.events.append("key-move-ended", authority.name, undone=plan.get("operation") == MOVE)


def places_of_move(record: AuthorityRecord) -> tuple[str, str]:
    """The aliases between which a key is being moved: the old one and the new one."""
    plan = record.plan or {}
    if plan.get("operation") == MOVED:
        return plan["from"]["key_backend"], record.key_backend
    return record.key_backend, plan["to"]


def _check_movable(authority: Authority, source: KeyPlace, target: KeyPlace) -> None:
    _ = authority.certificate  # one that was never completed has nothing to move
    if authority.record.plan is not None:
        raise _under_way(authority)
    if source.backend.alias == target.backend.alias:
        raise InputError(f"authority {authority.name!r}: its key is in {source.backend.alias!r}", hint="name another")
    if not target.backend.supports("import_key"):
        raise OperationUnsupportedError(f"{target.backend.owner}: takes no keys from outside", hint="name another")
    target.backend.capabilities.check(target.backend.owner, authority.spec, authority.algorithm)


def _under_way(authority: Authority) -> AuthorityNotReadyError:
    return AuthorityNotReadyError(
        f"authority {authority.name!r}: its key is being moved", hint="finish or undo that with `anchorhold recover`"
    )


def _exported(authority: Authority, source: KeyPlace) -> Secret:
    try:
        return source.backend.export_key(authority.key_request, source.secrets)
    except OperationUnsupportedError as error:
        error.hint = (
            "its keys never leave it: create a new authority in the other backend, and let both sign until the old "
            "one has expired"
        )
        raise


def _imported(authority: Authority, target: KeyPlace, key_id: bytes, key: Secret) -> CreatedKey:
    request = ImportKeyRequest(key_id=key_id, pkcs8=key, ca=authority.described, options=target.options)
    return target.backend.import_key(request, target.secrets)


def _found(target: KeyPlace, plan: Mapping[str, Any]) -> tuple[CreatedKey, ...]:
    request = FindKeyRequest(key_id=bytes.fromhex(plan["key_id"]), options=plan["options"])
    return target.backend.find_key(request, target.secrets)


def _arrive(
    ledger: Ledger,
    authority: Authority,
    source: KeyPlace,
    target: KeyPlace,
    plan: Mapping[str, Any],
    created: CreatedKey,
) -> None:
    """Prove the key in its new place, and use it there from now on."""
    if spki(created.public_key) != authority.record.public_key:
        raise KeyMismatchError(f"{target.backend.owner}: stored another key", hint="tell the author of the backend")
    handle = {"version": created.handle.version, "data": dict(created.handle.data)}
    moved = Authority(authority.record.moved(key_backend=target.backend.alias, handle=handle))
    challenge = os.urandom(32)
    for place, owner in ((source, authority), (target, moved)):
        with AuthorityKey(owner, place.backend, place.secrets) as key:
            key.prove(challenge)
    record = authority.record
    old = {"key_backend": record.key_backend, "type": record.backend_type, "handle": record.handle}
    with ledger.transaction():
        ledger.authorities.move(
            record.id,
            key_backend=target.backend.alias,
            backend_type=target.type,
            key_id=bytes.fromhex(plan["key_id"]),
            handle=handle,
            plan={"operation": MOVED, "from": old} if plan["delete_source"] else None,
        )
        ledger.events.append("key-moved", authority.name, to=target.backend.alias, **old)


def _destroy_old(ledger: Ledger, authority: Authority, source: KeyPlace, old: Mapping[str, Any]) -> None:
    handle = KeyHandle(version=old["handle"]["version"], data=old["handle"]["data"])
    source.backend.delete_key(_request(authority, handle), source.secrets)
    with ledger.transaction():
        ledger.authorities.record_plan(authority.record.id, None)
        ledger.events.append("key-destroyed", authority.name, key_backend=old["key_backend"])


def _take_back(ledger: Ledger, authority: Authority, target: KeyPlace, cause: Exception) -> None:
    """After a failure: as if nothing had been begun; if that fails too, say what clears it up."""
    try:
        undo_move(ledger, Authority(ledger.authorities.get(authority.record.id)), target)
    except AnchorholdError:
        if isinstance(cause, AnchorholdError):
            cause.hint += ", and clear up what was begun with `anchorhold recover`"


def _request(authority: Authority, handle: KeyHandle) -> KeyRequest:
    return KeyRequest(handle=handle, public_key=authority.public_key, ca=authority.described)
