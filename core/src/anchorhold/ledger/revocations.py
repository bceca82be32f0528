"""The repository of revocations. Every method runs within the caller's transaction.

Each row has its entry for revocation lists encoded already, so that a list is made by putting octets together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from peewee import SqliteDatabase

from anchorhold.ledger.records import RevocationRecord
from anchorhold.ledger.schema import from_timestamp, to_timestamp

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from peewee import Database

    from anchorhold.ledger.records import CertificateRecord
    from anchorhold.ledger.rows import RevocationRow

_AT_ONCE: Final = 10_000
"""Parameters of a statement; SQLite takes 32,766 at most, PostgreSQL 65,535."""
_JOINED_AT_ONCE: Final = 1 << 16
"""Row numbers in whose range the database joins entries: a few megabytes."""


class RevocationRepository:
    """Reads and writes revocations.

    Args:
        database: Where they are.
        model: The table.
    """

    def __init__(self, database: Database, model: Any) -> None:
        self._database = database
        self._model = model

    def add(
        self,
        certificate: CertificateRecord,
        *,
        shard: int | None,
        revoked_at: dt.datetime,
        reason: str,
        invalidity_at: dt.datetime | None,
        entry: bytes,
    ) -> None:
        """Record that a certificate is revoked; the authority's row must be locked."""
        self._model.create(
            authority_id=certificate.authority_id,
            certificate_id=certificate.id,
            serial=certificate.serial,
            shard=shard,
            revoked_at=to_timestamp(revoked_at),
            reason=reason,
            invalidity_at=None if invalidity_at is None else to_timestamp(invalidity_at),
            not_after=to_timestamp(max(certificate.not_after, revoked_at)),  # until when its entry has to stay
            entry=entry,
        )

    def change(self, revocation_id: int, *, reason: str, invalidity_at: dt.datetime | None, entry: bytes) -> None:
        """Record another reason for the same revocation."""
        self._model.update(
            reason=reason, invalidity_at=None if invalidity_at is None else to_timestamp(invalidity_at), entry=entry
        ).where(self._model.id == revocation_id).execute()

    def remove(self, revocation_id: int) -> None:
        """Take a hold back."""
        self._model.delete().where(self._model.id == revocation_id).execute()

    def of(self, certificate_ids: Sequence[int]) -> dict[int, RevocationRecord]:
        """Revocations by the row numbers of their certificates; those that are not revoked are not there."""
        found: dict[int, RevocationRecord] = {}
        for begin in range(0, len(certificate_ids), _AT_ONCE):
            asked = list(certificate_ids[begin : begin + _AT_ONCE])
            query = self._model.select().where(self._model.certificate_id.in_(asked))
            found |= {row.certificate_id: self._record(row) for row in query}
        return found

    def last(self, authority_id: int) -> int:
        """The row number of the last revocation of an authority; 0 if there is none."""
        model = self._model
        row = model.select(model.id).where(model.authority_id == authority_id).order_by(model.id.desc()).first()
        return 0 if row is None else int(row.id)

    def entries(
        self, authority_id: int, *, shard: int | None, after: int, last_revocation_id: int, expired_before: int
    ) -> Iterator[bytes]:
        """Entries for a list, many in each piece, one behind the other, in the order of revocation.

        The database joins them: to hand over a million rows took more than all else that is done for a list. Another
        process that makes the same list comes to the same octets. So PostgreSQL is told the order, because it reads
        large tables from where another query is; SQLite reads along an index that has it, and not by the date.

        Args:
            authority_id: Of which authority.
            shard: Of which shard; None for all.
            after: Row number after which to begin.
            last_revocation_id: Row number to end with.
            expired_before: Certificates that expired before this moment (seconds since 1970) are left out, unless they
                were revoked later.
        """
        model, mark = self._model, self._database.param
        narrowed, values = ("", ()) if shard is None else (f" AND shard = {mark}", (shard,))
        rows = (
            f'FROM "{model._meta.table_name}" WHERE authority_id = {mark}{narrowed} '  # noqa: SLF001
            f"AND id > {mark} AND id <= {mark} AND +not_after >= {mark}"
        )
        is_file = isinstance(self._database, SqliteDatabase)
        ordered = f"SELECT string_agg(entry, '') FROM (SELECT entry {rows} ORDER BY id) AS ordered"  # noqa: S608
        statement = f"SELECT joined_octets(entry) {rows}" if is_file else ordered
        for begin in range(after, last_revocation_id, _JOINED_AT_ONCE):
            end = min(begin + _JOINED_AT_ONCE, last_revocation_id)
            row = self._database.execute_sql(statement, (authority_id, *values, begin, end, expired_before)).fetchone()
            if row[0] is not None:
                yield row[0]

    def any_after(self, authority_id: int, *, shard: int | None, after: int) -> bool:
        """Whether there is a revocation behind that row number, of all certificates or of a shard."""
        model = self._model
        newer = (model.authority_id == authority_id) & (model.id > after)
        if shard is not None:
            newer &= model.shard == shard
        return bool(model.select().where(newer).exists())

    def any_expired(self, authority_id: int, *, since: int, before: int) -> bool:
        """Whether a revoked certificate expired between two moments (seconds since 1970)."""
        model = self._model
        expired = (model.authority_id == authority_id) & (model.not_after >= since) & (model.not_after < before)
        return bool(model.select().where(expired).exists())

    @staticmethod
    def _record(row: RevocationRow) -> RevocationRecord:
        return RevocationRecord(
            id=row.id,
            certificate_id=row.certificate_id,
            revoked_at=from_timestamp(row.revoked_at),
            reason=row.reason,
            invalidity_at=None if row.invalidity_at is None else from_timestamp(row.invalidity_at),
        )
