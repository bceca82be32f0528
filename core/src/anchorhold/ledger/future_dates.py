"""What is dated in the future, because the clock was ahead, and is dated back.

Every method runs within the caller's transaction. Each change is one conditional statement, so that what others have
changed meanwhile stays as they left it.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from anchorhold.ledger.schema import from_timestamp, to_timestamp

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureRevocation:
    """A revocation that is dated in the future.

    Attributes:
        id: Its row number.
        serial: Of the certificate.
        revoked_at: Its date.
        reason: Why.
        invalidity_at: Since when the key may not have been trustworthy.
        not_after: End of validity of the certificate.
    """

    id: int
    serial: str
    revoked_at: dt.datetime
    reason: str
    invalidity_at: dt.datetime | None
    not_after: dt.datetime


class FutureDates:
    """Finds and changes dates.

    Args:
        certificate: The table of certificates.
        revocation: The table of revocations.
        responder: The table of OCSP responders.
    """

    def __init__(self, certificate: Any, revocation: Any, responder: Any) -> None:
        self._certificate = certificate
        self._revocation = revocation
        self._responder = responder

    def future_revocations(
        self, authority_id: int, *, later_than: dt.datetime, after: int = 0
    ) -> list[FutureRevocation]:
        """Revocations of an authority that are dated later than a moment, of those behind a row number."""
        model, certificate = self._revocation, self._certificate
        query = (
            model.select(model, certificate.not_after.alias("ends"))
            .join(certificate, on=(certificate.id == model.certificate_id))
            .where(
                (model.authority_id == authority_id)
                & (model.id > after)
                & (model.revoked_at > to_timestamp(later_than))
            )
        )
        return [
            FutureRevocation(
                id=row["id"],
                serial=row["serial"],
                revoked_at=from_timestamp(row["revoked_at"]),
                reason=row["reason"],
                invalidity_at=None if row["invalidity_at"] is None else from_timestamp(row["invalidity_at"]),
                not_after=from_timestamp(row["ends"]),
            )
            # Sorted here: asked for the order of another index, SQLite would read all revocations instead of these few.
            for row in sorted(query.dicts(), key=itemgetter("id"))
        ]

    def redate_revocation(
        self, late: FutureRevocation, *, revoked_at: dt.datetime, invalidity_at: dt.datetime | None, entry: bytes
    ) -> None:
        """Record another date of a revocation; the authority's row must be locked."""
        self._revocation.update(
            revoked_at=to_timestamp(revoked_at),
            invalidity_at=None if invalidity_at is None else to_timestamp(invalidity_at),
            not_after=to_timestamp(max(late.not_after, revoked_at)),
            entry=entry,
        ).where(self._revocation.id == late.id).execute()

    def limit_answers(self, authority_id: int, *, at: dt.datetime) -> int:
        """Let no retired responder's answers be about for longer than until then; returns of how many they were."""
        model, end = self._responder, to_timestamp(at)
        late = (model.authority_id == authority_id) & (model.status == "retired") & (model.answers_until > end)
        return int(model.update(answers_until=end).where(late).execute())

    def redate_pending(self, authority_id: int, *, at: dt.datetime, later_than: dt.datetime) -> int:
        """Date keys of responders that are being made, and were begun later than a moment, back; returns how many."""
        model = self._responder
        pending = (model.authority_id == authority_id) & (model.status == "pending")
        late = pending & (model.created_at > to_timestamp(later_than))
        return int(model.update(created_at=to_timestamp(at)).where(late).execute())
