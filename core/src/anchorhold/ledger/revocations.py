"""The repository of revocations. Every method runs within the caller's transaction.

Each row has its entry for revocation lists encoded already, so that a list is made by putting octets together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from peewee import SqliteDatabase

from anchorhold.errors import LedgerError
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
_JOINED_BY_SQLITE: Final = "CAST(group_concat(CAST(entry AS TEXT), '') AS BLOB)"
"""An aggregate for octets SQLite has not. Its texts are octets of a known length, in UTF-8 as in every file of ours, so
nothing is converted; the length of the result is compared all the same. A function of ours took longer."""


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
        process that makes the same list comes to the same octets, so the order is said: PostgreSQL reads large tables
        from where another query is, and either may prefer the index of the date.

        Args:
            authority_id: Of which authority.
            shard: Of which shard; None for all.
            after: Row number after which to begin.
            last_revocation_id: Row number to end with.
            expired_before: Certificates that expired before this moment (seconds since 1970) are left out, unless they
                were revoked later.

        Raises:
            LedgerError: The database has lost octets, or made some up.
        """
        table, mark = self._model._meta.table_name, self._database.param  # noqa: SLF001
        narrowed, values = ("", ()) if shard is None else (f" AND shard = {mark}", (shard,))
        joined = _JOINED_BY_SQLITE if isinstance(self._database, SqliteDatabase) else "string_agg(entry, '')"
        statement = (
            f"SELECT {joined}, sum(length(entry)) FROM ("  # noqa: S608
            f'SELECT entry FROM "{table}" WHERE authority_id = {mark}{narrowed} '
            f"AND id > {mark} AND id <= {mark} AND +not_after >= {mark} ORDER BY id) AS ordered"
        )
        for begin in range(after, last_revocation_id, _JOINED_AT_ONCE):
            end = min(begin + _JOINED_AT_ONCE, last_revocation_id)
            found = self._database.execute_sql(statement, (authority_id, *values, begin, end, expired_before))
            entries, length = found.fetchone()
            if entries is None:
                continue
            if len(entries) != length:
                raise LedgerError(
                    f"ledger: its database has joined {length} octets of revocations to {len(entries)}",
                    hint="nothing was signed; report this with the version of the database",
                )
            yield entries

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
