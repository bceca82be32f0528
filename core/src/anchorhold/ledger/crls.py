"""The repository of certificate revocation lists. Every method runs within the caller's transaction.

A list is kept in pieces: what stands before its entries, what stands behind them, and the parts in which its entries
came. The next list shares the parts of the one before it, so a million entries are not written again for a few more.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import LedgerError
from anchorhold.ledger.records import CrlDates, CrlRecord, CrlState
from anchorhold.ledger.schema import from_timestamp, to_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.ledger.rows import CrlRow

_ATTEMPTS: Final = 10
_CHUNK: Final = 1 << 20
"""Octets to a row: databases hand out many rows of that size faster than one of all, and in less memory."""


class CrlRepository:
    """Reads and writes revocation lists.

    Args:
        model: The table.
        part: The table of entries, in parts.
    """

    def __init__(self, model: Any, part: Any) -> None:
        self._model = model
        self._part = part

    def add(self, authority_id: int, state: CrlState, *, head: bytes, entries: bytes | memoryview, tail: bytes) -> None:
        """Record a signed list, and drop older ones of the same kind but the one before it.

        Args:
            authority_id: Of which authority.
            state: The list; the last of its parts is its own if it has one.
            head: Its DER before the entries.
            entries: Those of its own part; empty if it has none.
            tail: Its DER behind the entries.
        """
        for position, begin in enumerate(range(0, len(entries), _CHUNK)):
            self._part.create(
                authority_id=authority_id,
                shard=state.shard,
                number=state.number,
                position=position,
                octets=entries[begin : begin + _CHUNK],
            )
        self._model.create(
            authority_id=authority_id,
            shard=state.shard,
            number=state.number,
            this_update=to_timestamp(state.this_update),
            next_update=to_timestamp(state.next_update),
            upto=state.last_revocation_id,
            floor=state.expired_before,
            rewrites=state.rewrite_count,
            parts=json.dumps(state.parts),
            head=head,
            tail=tail,
        )
        self._drop_old(authority_id, state.shard)

    def state(self, authority_id: int, shard: int | None) -> CrlState | None:
        """The newest list of all certificates of an authority, or of one shard of them, without its entries."""
        row = self._newest(authority_id, shard)
        return None if row is None else CrlState(**_values(row))

    def dates(self, authority_id: int) -> dict[int | None, CrlDates]:
        """When the newest list of each kind begins and runs out: by the number of the shard, None for the full one."""
        return self._dates(self._model.authority_id == authority_id).get(authority_id, {})

    def dates_of_all(self) -> dict[int, dict[int | None, CrlDates]]:
        """The same of each authority that has lists, by its row number: one statement however many there are."""
        return self._dates(None)

    def last(self, authority_id: int, shard: int | None) -> CrlRecord | None:
        """The newest list of all certificates of an authority, or of one shard of them.

        Raises:
            LedgerError: Its entries are missing.
        """
        for _ in range(_ATTEMPTS):  # others may put two newer ones in its place while it is read
            row = self._newest(authority_id, shard)
            if row is None:
                return None
            values = _values(row)
            entries = self.entries(authority_id, values["parts"])
            if entries is not None:
                return CrlRecord(**values, chunks=(bytes(row.head), *entries, bytes(row.tail)))
        raise LedgerError("ledger: entries of a CRL are missing", hint="restore the ledger from a backup")

    def entries(self, authority_id: int, parts: Sequence[int]) -> list[bytes] | None:
        """The entries in those parts, in pieces of any size; None if not all of them are there any more."""
        part = self._part
        wanted = (part.authority_id == authority_id) & part.number.in_(list(parts))
        rows = part.select(part.number, part.octets).where(wanted).order_by(part.number, part.position)
        found = [(number, bytes(octets)) for number, octets in rows.tuples()]
        return [octets for _, octets in found] if {number for number, _ in found} == set(parts) else None

    def _dates(self, condition: Any) -> dict[int, dict[int | None, CrlDates]]:
        model, found = self._model, dict[int, dict[int | None, CrlDates]]()
        columns = (model.authority_id, model.shard, model.number, model.this_update, model.next_update)
        query = model.select(*columns).order_by(model.number).tuples()  # of each kind the newest comes last
        for authority_id, shard, number, begins, ends in query if condition is None else query.where(condition):
            dates = CrlDates(number=number, this_update=from_timestamp(begins), next_update=from_timestamp(ends))
            found.setdefault(authority_id, {})[shard] = dates
        return found

    def _newest(self, authority_id: int, shard: int | None) -> CrlRow | None:
        newest: CrlRow | None = _of(self._model, authority_id, shard).order_by(self._model.number.desc()).first()
        return newest

    def _drop_old(self, authority_id: int, shard: int | None) -> None:
        """Keep two lists, because a client may be reading the previous one, and their parts."""
        kept = list(_of(self._model, authority_id, shard).order_by(self._model.number.desc()).limit(2))
        used = {number for row in kept for number in json.loads(row.parts)}
        for model, numbers in ((self._model, {row.number for row in kept}), (self._part, used)):
            unused = {row.number for row in _of(model, authority_id, shard, model.number).distinct()} - numbers
            model.delete().where((model.authority_id == authority_id) & model.number.in_(list(unused))).execute()


def _of(model: Any, authority_id: int, shard: int | None, *columns: Any) -> Any:
    kind = model.shard.is_null() if shard is None else model.shard == shard
    return model.select(*columns).where((model.authority_id == authority_id) & kind)


def _values(row: CrlRow) -> dict[str, Any]:
    """What a row has for a `CrlState`."""
    return {
        "shard": row.shard,
        "number": row.number,
        "this_update": from_timestamp(row.this_update),
        "next_update": from_timestamp(row.next_update),
        "last_revocation_id": row.upto,
        "expired_before": row.floor,
        "rewrite_count": row.rewrites,
        "parts": tuple(json.loads(row.parts)),
    }
