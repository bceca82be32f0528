"""Pending authorities: the row that is recorded before a key exists, and the checks that come before the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.errors import AuthorityExistsError, InputError, KeyExistsError
from anchorhold.publickeys import spki
from anchorhold.seam.requests import FindKeyRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.issuing.authority import Authority
    from anchorhold.ledger import IssuingDefaults, Ledger
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.options import OptionValues
    from anchorhold.seam.requests import CreatedKey, Secrets


def begin(
    ledger: Ledger,
    name: str,
    plan: Mapping[str, Any],
    *,
    subject: str,
    parent: Authority | None,
    key_backend: str,
    backend_type: str,
    key_id: bytes,
    issuing: IssuingDefaults,
) -> int:
    """Record the intent, before a key exists; returns the row number.

    Raises:
        AuthorityExistsError: The name is taken.
    """
    check_name(name)
    with ledger.transaction():
        check_name_free(ledger, name)
        authority_id = ledger.authorities.begin(
            name=name,
            parent_id=parent.record.id if parent is not None else None,
            subject=subject,
            key_backend=key_backend,
            backend_type=backend_type,
            key_id=key_id,
            plan=plan,
            issuing=issuing,
        )
        ledger.events.append("authority-begun", name, key_id=key_id.hex(), key_backend=key_backend)
    return authority_id


def check_name(name: str) -> None:
    """Refuse a name that cannot be told from another when it is shown.

    Raises:
        InputError: It is empty, has blanks around it, or something that cannot be printed.
    """
    if not name or name != name.strip() or not name.isprintable():
        raise InputError(
            "name: is empty, or has blanks around it or control characters in it",
            hint="give the authority another name",
        )


def check_store(backend: KeyBackend, secrets: Secrets, key_id: bytes, options: OptionValues) -> None:
    """Look for a fresh key id, so that a store that cannot be used is found out before anything is recorded."""
    if backend.supports("find_key") and backend.find_key(FindKeyRequest(key_id=key_id, options=options), secrets):
        raise KeyExistsError(f"{backend.owner}: has a key of the fresh id {key_id.hex()}", hint="repeat the command")


def check_name_free(ledger: Ledger, name: str) -> None:
    """Refuse a name that an authority has; within a transaction.

    Raises:
        AuthorityExistsError: It is taken.
    """
    taken = next((found for found in ledger.authorities.known() if found.name == name), None)
    if taken is not None:
        pending = taken.status == "pending"
        raise AuthorityExistsError(
            f"authority {name!r}: exists already{', but was never completed' if pending else ''}",
            hint="finish or abandon it with `anchorhold recover`" if pending else "choose another name",
        )


def record_key(ledger: Ledger, authority_id: int, created: CreatedKey) -> None:
    """Record where the key of a pending authority is."""
    handle = {"version": created.handle.version, "data": dict(created.handle.data)}
    with ledger.transaction():
        ledger.authorities.record_key(authority_id, handle=handle, public_key=spki(created.public_key))
