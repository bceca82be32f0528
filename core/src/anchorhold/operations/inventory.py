"""Keys that the ledger does not know, and records whose key is gone; nothing is changed by looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, KeyMissingError
from anchorhold.operations.state import KeyMove, KeyMoved, move_of
from anchorhold.plugin.requests import SECTIONS
from anchorhold.public_keys import spki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.key_check import KeyStatus
    from anchorhold.plugin.inventory import ListedKey
    from anchorhold.plugin.requests import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One alias that may be listed.

    Attributes:
        alias: Its name.
        role: What its keys are for.
        list_keys: Lists them.
    """

    alias: str
    role: Role
    list_keys: Callable[[], tuple[ListedKey, ...]]

    @property
    def section(self) -> str:
        """Where it stands in the settings."""
        return f"{SECTIONS[self.role]}.{self.alias}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What was found.

    Attributes:
        unknown: Keys that no record names, with the first alias that has listed them.
        gone: Authorities whose key is not where their record says.
        gone_responders: Authorities whose OCSP responder has lost its key, with the record of the responder.
        unchecked: Places and authorities of which nobody knows, and why: ``key_backends.hsm``, ``authority 'Root'``.
    """

    unknown: tuple[tuple[Place, ListedKey], ...]
    gone: tuple[Authority, ...]
    gone_responders: tuple[tuple[Authority, ResponderRecord], ...]
    unchecked: Mapping[str, AnchorholdError]


def take_inventory(
    ledger: Ledger,
    places: Sequence[Place],
    authorities: Sequence[Authority],
    check: Callable[[Authority], KeyStatus],
) -> Inventory:
    """Compare what the backends have with what the ledger has recorded.

    Args:
        ledger: The records.
        places: Every alias that is configured.
        authorities: All that were not abandoned.
        check: Whether the key of an authority can be used, for one whose key no alias has listed.
    """
    listed, unchecked = _listed(places)
    key_ids, public_keys = _recorded(ledger, authorities)
    unknown: dict[object, tuple[Place, ListedKey]] = {}
    for place, key in listed:
        if key.key_id not in key_ids and _public(key) not in public_keys:
            unknown.setdefault(key.key_id or key.name, (place, key))  # two aliases may lead to one place
    found_ids = {key.key_id for _, key in listed}
    found_keys = {_public(key) for _, key in listed if key.public_key is not None}
    gone = []
    for authority in authorities:
        record = authority.record
        if record.handle is None or record.key_id in found_ids or record.public_key in found_keys:
            continue
        problem = check(authority).problem
        if isinstance(problem, KeyMissingError):
            gone.append(authority)
        elif problem is not None:
            unchecked[f"authority {authority.name!r}"] = problem
    looked_into = {place.alias for place in places if place.role == "ocsp" and place.section not in unchecked}
    gone_responders = [
        (authority, responder)
        for authority, responder in _active_responders(ledger, authorities)
        if responder.key_backend in looked_into
        and responder.key_id not in found_ids
        and responder.public_key not in found_keys
    ]
    return Inventory(
        unknown=tuple(unknown.values()),
        gone=tuple(gone),
        gone_responders=tuple(gone_responders),
        unchecked=unchecked,
    )


def _listed(places: Iterable[Place]) -> tuple[list[tuple[Place, ListedKey]], dict[str, AnchorholdError]]:
    """What each place has, and which could not be listed."""
    found: list[tuple[Place, ListedKey]] = []
    failed: dict[str, AnchorholdError] = {}
    for place in places:
        try:
            found += ((place, key) for key in place.list_keys())
        except AnchorholdError as error:
            failed[place.section] = error
    return found, failed


def _recorded(ledger: Ledger, authorities: Iterable[Authority]) -> tuple[set[bytes | None], set[bytes | None]]:
    """Key ids and public keys in rows of authorities, of moves under way, of responders, and of copies left behind."""
    key_ids: set[bytes | None] = set()
    public_keys: set[bytes | None] = set()
    with ledger.translate_errors():
        key_ids |= {copy.key_id for copy in ledger.key_copies.all()}
        for authority in authorities:
            key_ids.add(authority.record.key_id)
            public_keys.add(authority.record.public_key)
            move = move_of(authority.record) if authority.record.plan is not None else None
            if isinstance(move, KeyMove | KeyMoved):
                key_ids.add(move.key_id)
            for responder in ledger.responders.of(authority.record.id):
                key_ids.add(responder.key_id)
                public_keys.add(responder.public_key)
    return key_ids, public_keys - {None}


def _active_responders(ledger: Ledger, authorities: Iterable[Authority]) -> Iterator[tuple[Authority, ResponderRecord]]:
    """Those that are to sign responses now."""
    with ledger.translate_errors():
        for authority in authorities:
            responder = ledger.responders.active(authority.record.id)
            if responder is not None:
                yield authority, responder


def _public(key: ListedKey) -> bytes | None:
    return None if key.public_key is None else spki(key.public_key)
