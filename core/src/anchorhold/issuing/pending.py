"""Pending authorities: the row that is recorded before a key exists, and what follows until it is complete."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchorhold.errors import AuthorityExistsError, InputError
from anchorhold.issuing.undo import undo
from anchorhold.publickeys import spki
from anchorhold.seam.requests import CertificateAuthority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.place import KeyPlace
    from anchorhold.issuing.sources import KeySource
    from anchorhold.ledger import IssuingDefaults, Ledger
    from anchorhold.seam.requests import CreatedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is recorded of an authority before its key exists.

    Attributes:
        name: Under which it will be known here.
        subject: Distinguished name (RFC 4514).
        parent: What signs it; None for a root, or if that is not known here.
        plan: What is needed to finish it, as JSON.
        issuing: What it puts into what it signs.
    """

    name: str
    subject: str
    parent: Authority | None
    plan: Mapping[str, Any]
    issuing: IssuingDefaults


def establish(
    ledger: Ledger,
    place: KeyPlace,
    source: KeySource,
    intent: Intent,
    complete: Callable[[int, CreatedKey], Authority],
) -> Authority:
    """Record the intent, obtain the key, and complete the authority; what fails is taken back.

    Args:
        ledger: Where it is recorded.
        place: Where its key will be.
        source: Where its key comes from.
        intent: What is recorded first.
        complete: From the row number and the key to the authority.

    Raises:
        AuthorityExistsError: The name is taken.
        AnchorholdError: What was made is removed again, and if it cannot be, the hint says so and ``recover``
            finishes or removes it.
    """
    key_id = os.urandom(20)
    source.check(place, key_id)
    authority_id = _begin(ledger, place, source, intent, key_id)
    try:
        created = source.obtain(place, key_id, CertificateAuthority(name=intent.name, subject=intent.subject))
        record_key(ledger, authority_id, created)
        return complete(authority_id, created)
    except Exception as error:
        undo(ledger, place, authority_id, error)
        raise


def _begin(ledger: Ledger, place: KeyPlace, source: KeySource, intent: Intent, key_id: bytes) -> int:
    check_name(intent.name)
    adopted = source.existing is not None  # then its handle is recorded, and how it was described is not needed
    options = {"options": {} if adopted else dict(place.options), "adopted": adopted}
    with ledger.transaction():
        check_name_free(ledger, intent.name)
        authority_id = ledger.authorities.begin(
            name=intent.name,
            parent_id=intent.parent.record.id if intent.parent is not None else None,
            subject=intent.subject,
            key_backend=place.backend.alias,
            backend_type=place.type,
            key_id=key_id,
            plan={**intent.plan, **options},
            issuing=intent.issuing,
        )
        if source.existing is not None:
            _record_key(ledger, authority_id, source.existing)
        ledger.events.append("authority-begun", intent.name, key_id=key_id.hex(), key_backend=place.backend.alias)
    return authority_id


def record_key(ledger: Ledger, authority_id: int, created: CreatedKey) -> None:
    """Record where the key of a pending authority is."""
    with ledger.transaction():
        _record_key(ledger, authority_id, created)


def _record_key(ledger: Ledger, authority_id: int, created: CreatedKey) -> None:
    handle = {"version": created.handle.version, "data": dict(created.handle.data)}
    ledger.authorities.record_key(authority_id, handle=handle, public_key=spki(created.public_key))


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
