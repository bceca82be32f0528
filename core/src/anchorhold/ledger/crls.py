"""The book of certificate revocation lists. Every method runs within the caller's transaction."""

from __future__ import annotations

from typing import Any

from anchorhold.ledger.records import CrlRecord, moment, seconds


class Crls:
    """Reads and writes revocation lists.

    Args:
        model: The table.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def add(self, authority_id: int, crl: CrlRecord) -> None:
        """Record a signed list, and drop older ones of the same kind but the one before it."""
        model, shard = self._model, crl.shard
        model.create(
            authority_id=authority_id,
            shard=shard,
            number=crl.number,
            this_update=seconds(crl.this_update),
            next_update=seconds(crl.next_update),
            upto=crl.upto,
            floor=crl.floor,
            rewrites=crl.rewrites,
            der=crl.der,
        )
        kept = [row.id for row in self._same(authority_id, shard).order_by(model.number.desc()).limit(2)]
        same = [row.id for row in self._same(authority_id, shard)]
        model.delete().where(model.id.in_([number for number in same if number not in kept])).execute()

    def last(self, authority_id: int, shard: int | None) -> CrlRecord | None:
        """The newest list of all certificates of an authority, or of one shard of them."""
        row = self._same(authority_id, shard, whole=True).order_by(self._model.number.desc()).first()
        return None if row is None else self._record(row)

    def _same(self, authority_id: int, shard: int | None, *, whole: bool = False) -> Any:
        model = self._model
        kind = model.shard.is_null() if shard is None else model.shard == shard
        return (model.select() if whole else model.select(model.id)).where((model.authority_id == authority_id) & kind)

    @staticmethod
    def _record(row: Any) -> CrlRecord:
        return CrlRecord(
            shard=row.shard,
            number=row.number,
            this_update=moment(row.this_update),
            next_update=moment(row.next_update),
            upto=row.upto,
            floor=row.floor,
            rewrites=row.rewrites,
            der=bytes(row.der),
        )
