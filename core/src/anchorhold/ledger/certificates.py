"""The repository of certificates. Every method runs within the caller's transaction.

Reserving and completing are plain SQL, because they are where certificates are issued and a model costs half of
the time there; everything else goes through the model.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from peewee import __exception_wrapper__, fn  # type: ignore[attr-defined]  # the first is what execute_sql itself uses

from anchorhold.errors import LedgerError
from anchorhold.ledger.audits import conditions
from anchorhold.ledger.notices import CommitNotices, Notice
from anchorhold.ledger.records import CLOSED, ISSUED, CertificateRecord, Reservation
from anchorhold.ledger.schema import audit_columns, audit_of, from_timestamp, to_timestamp
from anchorhold.ledger.written_queries import PLACE, WrittenQuery
from anchorhold.x509.serials import complete_serial
from anchorhold.x509.validity import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from peewee import Database

    from anchorhold.audit import AuditContext
    from anchorhold.ledger.audits import HistoryFilter
    from anchorhold.ledger.records import ResponderStatus
    from anchorhold.ledger.rows import CertificateRow
    from anchorhold.ledger.schema import Schema
    from anchorhold.ledger.statuses import CertificateStatuses

_RESERVED = (
    "authority_id",
    "serial",
    "status",
    "profile",
    "subject",
    "names",
    "not_before",
    "not_after",
    "tbs",
    "reserved_at",
    "actor_kind",
    "actor_name",
    "actor_origin",
    "correlation_id",
)

_AT_ONCE: Final = 1000
"""Parameters of a statement; both databases take more."""
_quoted = json.JSONEncoder().encode
"""One text as JSON; ``json.dumps`` of an array takes three times as long as text by text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFilter:
    """Which issued certificates are wanted.

    Attributes:
        authority_id: Row number of their issuer; None for any.
        expired: Whether those that have expired are among them.
        revoked: Only those that are revoked, or only those that are not; None for both.
        profile: Only those of the profile of this name, whether it exists or not.
        expiring: Only those that expire until then and that have to be replaced: those of OCSP responders are left
            out, because new ones follow by themselves. With a profile, those that answer are among them.
    """

    authority_id: int | None = None
    expired: bool = False
    revoked: bool | None = None
    profile: str | None = None
    expiring: dt.datetime | None = None


ALL_VALID: Final = CertificateFilter()
"""All that have not expired."""


class CertificateRepository:
    """Reads and writes certificates.

    Args:
        database: Where they are.
        tables: The tables.
        audit: Who reserves; None where that is not recorded.
        notices: Collects each certificate that is issued.
    """

    def __init__(
        self,
        database: Database,
        tables: Schema,
        audit: AuditContext | None = None,
        notices: CommitNotices | None = None,
    ) -> None:
        self._database = database
        self._model = tables.certificate
        self._revocation = tables.revocation
        self._responder = tables.responder
        self._request = tables.request
        self._event = tables.event
        self._audit = audit
        self._notices = notices or CommitNotices()
        table, mark = self._model._meta.table_name, database.param  # noqa: SLF001
        self._reserve = f'INSERT INTO "{table}" ({", ".join(_RESERVED)}) VALUES ({", ".join([mark] * len(_RESERVED))})'  # noqa: S608
        self._complete = (
            f"UPDATE \"{table}\" SET status = 'issued', certificate = {mark}, issued_at = {mark}, tbs = NULL "  # noqa: S608
            f"WHERE authority_id = {mark} AND serial = {mark} AND status = 'reserved'"
        )

    @cached_property
    def statuses(self) -> CertificateStatuses:
        """Which certificates have a status that OCSP tells, and whose status has changed."""
        from anchorhold.ledger.statuses import CertificateStatuses

        return CertificateStatuses(self._model, self._event)

    def reserve(self, authority_id: int, reservations: Sequence[Reservation]) -> None:
        """Record the intent to sign. A serial number that the authority has used before is refused by the database."""
        moment, audit = dt.datetime.now(dt.UTC), audit_columns(self._audit).values()
        rows = [
            (
                authority_id,
                intent.serial,
                "reserved",
                intent.profile,
                intent.subject,
                f"[{', '.join(map(_quoted, intent.names))}]",
                to_timestamp(intent.not_before),
                to_timestamp(intent.not_after),
                intent.tbs,
                to_timestamp(moment),
                *audit,
            )
            for intent in reservations
        ]
        self._execute_many(self._reserve, rows)

    def complete(self, authority_id: int, issued: Sequence[tuple[str, bytes]]) -> None:
        """Record signed certificates as (serial, DER); repeated, it changes nothing.

        Raises:
            LedgerError: One of them is not reserved any more; nothing is recorded then.
        """
        self._complete_all(authority_id, issued)
        if self._notices.collected is not None:
            moment = dt.datetime.now(dt.UTC)
            self._notices.collected += [
                Notice(kind=ISSUED, at=moment, authority_id=authority_id, serial=serial, certificate=der)
                for serial, der in issued
            ]

    def _complete_all(self, authority_id: int, issued: Sequence[tuple[str, bytes]]) -> None:
        if not issued:
            return
        now = to_timestamp(dt.datetime.now(dt.UTC))
        changed = self._execute_many(self._complete, [(der, now, authority_id, serial) for serial, der in issued])
        if changed != len(issued) and not self._has_issued(authority_id, dict(issued)):
            raise LedgerError("ledger: a reservation was removed while its certificate was being signed", hint="retry")

    def _has_issued(self, authority_id: int, certificates: Mapping[str, bytes]) -> bool:
        """Whether all of these are recorded already: the answer to a commit may have been lost."""
        model = self._model
        wanted = (model.authority == authority_id) & model.serial.in_(list(certificates)) & (model.status == "issued")
        rows = model.select(model.serial, model.certificate).where(wanted).tuples()
        return {serial: bytes(found) for serial, found in rows} == certificates

    def release(self, authority_id: int, serials: Iterable[str]) -> None:
        """Take back reservations for which no signature was asked for."""
        self._close_reserved(authority_id, serials, self._model.delete)

    def abandon(self, authority_id: int, serials: Iterable[str]) -> None:
        """Close reservations for which a signature may exist; their serial numbers stay used."""
        self._close_reserved(authority_id, serials, partial(self._model.update, status="abandoned"))

    def abandon_all(self, authority_id: int) -> None:
        """Close every reservation of an authority."""
        model = self._model
        open_rows = (model.authority == authority_id) & (model.status == "reserved")
        model.update(status="abandoned").where(open_rows).execute()

    def record(self, authority_id: int, intent: Reservation, certificate: bytes) -> None:
        """Record a certificate that was signed elsewhere, such as that of an imported root."""
        self.reserve(authority_id, [intent])
        self._complete_all(authority_id, [(intent.serial, certificate)])

    def reserved(self, before: dt.datetime) -> list[CertificateRecord]:
        """Reservations made until that moment and never completed; those of requests that are kept are left out.

        Those that are dated as far in the future as that is in the past are among them: the clock was ahead.
        """
        model, now = self._model, dt.datetime.now(dt.UTC)
        ahead = to_timestamp(now + max(now - before, CLOCK_TOLERANCE))
        dated = (model.reserved_at <= to_timestamp(before)) | (model.reserved_at > ahead)
        request = self._request
        kept = (request.authority_id == model.authority) & (request.serial == model.serial)
        is_kept = fn.EXISTS(request.select().where(kept & (request.status == "reserved")))
        query = model.select().where((model.status == "reserved") & dated & ~is_kept)
        # Sorted here: asked for the order of another index, SQLite would read the whole table instead of the open few.
        return sorted((self._record(row) for row in query), key=lambda record: record.id)

    def has(self, serial: str, authority_id: int) -> bool:
        """Whether an authority has given that serial number, as the ledger has it, whatever became of it."""
        model = self._model
        return bool(model.select().where((model.serial == serial) & (model.authority == authority_id)).exists())

    def find(
        self, serial: str, authority_id: int | None = None, limit: int = 2, *, abandoned: bool = False
    ) -> list[CertificateRecord]:
        """Certificates with these hex digits as their whole serial number; without any, those that begin with them.

        Args:
            serial: The digits.
            authority_id: Of one authority only.
            limit: How many at most.
            abandoned: Whether those whose signing was given up are among them.
        """
        model = self._model
        for match in (
            model.serial == complete_serial(serial),
            (model.serial >= serial) & (model.serial < serial + "g"),
        ):
            query = model.select().where(match if abandoned else match & (model.status != "abandoned"))
            if authority_id is not None:
                query = query.where(model.authority == authority_id)
            found = [self._record(row) for row in query.limit(limit)]
            if found:
                return found
        return []

    def by_serials(self, authority_id: int, serials: Sequence[str]) -> dict[str, CertificateRecord]:
        """Those of an authority with these serial numbers, as the ledger has them, whatever became of them."""
        if len(serials) == 1:
            return {row.serial: self._record(row) for row in self._by_serial.rows(authority_id, *serials)}
        model, found = self._model, dict[str, CertificateRecord]()
        for begin in range(0, len(serials), _AT_ONCE):
            asked = model.serial.in_(list(serials[begin : begin + _AT_ONCE]))
            for row in model.select().where((model.authority == authority_id) & asked):
                found[row.serial] = self._record(row)
        return found

    @cached_property
    def _by_serial(self) -> WrittenQuery:
        model = self._model
        return WrittenQuery(model.select().where((model.authority == PLACE) & (model.serial == PLACE)))

    def page(self, wanted: CertificateFilter, *, after: int = 0, limit: int = 100) -> list[CertificateRecord]:
        """Issued certificates: those that are valid, the first to expire first; or all, in the order of reservation.

        Args:
            wanted: Which ones.
            after: Row number of the last certificate of the page before.
            limit: Length of the page.
        """
        model, query = self._model, self._issued(wanted)
        if wanted.expired:
            query = query.where(model.id > after).order_by(model.id)
        else:
            query = query.where(self._valid_after(after)).order_by(model.not_after, model.id)
        return [self._record(row) for row in query.limit(limit)]

    def count(self, wanted: CertificateFilter, *, after: int = 0) -> int:
        """How many there are on this page and all that follow; arguments as for `page`."""
        behind = self._model.id > after if wanted.expired else self._valid_after(after)
        return int(self._issued(wanted).where(behind).count())

    def history(self, wanted: HistoryFilter, *, before: int | None, limit: int) -> list[CertificateRecord]:
        """Issued certificates that fit, the newest first; those of requests that were kept are left out.

        Each of these has an event that says when it was signed, which may be long after it was reserved, and by whom.

        Args:
            wanted: Which ones.
            before: Row number of the last certificate of the page before.
            limit: Length of the page.
        """
        model, request = self._model, self._request
        of_request = (request.authority_id == model.authority) & (request.serial == model.serial)
        fits = conditions(model, model.issued_at, wanted) & ~fn.EXISTS(request.select().where(of_request))
        query = model.select().where((model.status == "issued") & fits)
        if wanted.authority_id is not None:
            query = query.where(model.authority == wanted.authority_id)
        if wanted.serial is not None:
            query = query.where(model.serial == wanted.serial)
        if before is not None:
            query = query.where(model.id < before)
        return [self._record(row) for row in query.order_by(model.id.desc()).limit(limit)]

    def has_of_profile(self, profile: str) -> bool:
        """Whether a certificate of that profile was issued or recorded, whether there is such a profile or not."""
        return bool(self._model.select().where(self._model.profile == profile).exists())

    def _issued(self, wanted: CertificateFilter) -> Any:
        """Issued certificates that are wanted, whether they have expired or not."""
        model, revocation = self._model, self._revocation
        query = model.select().where(model.status == "issued")
        if wanted.authority_id is not None:
            query = query.where(model.authority == wanted.authority_id)
        if wanted.profile is not None:
            query = query.where(model.profile == wanted.profile)
        if wanted.expiring is not None:
            followed = self._is_of_responder("retired", *CLOSED, *(("active",) if wanted.profile is None else ()))
            query = query.where((model.not_after <= to_timestamp(wanted.expiring)) & ~followed)
        if wanted.revoked is not None:
            is_revoked = fn.EXISTS(revocation.select().where(revocation.certificate_id == model.id))
            query = query.where(is_revoked if wanted.revoked else ~is_revoked)
        return query

    def _is_of_responder(self, *status: ResponderStatus) -> Any:
        """Those of OCSP responders that are in one of these states."""
        model, responder = self._model, self._responder
        same = (responder.authority_id == model.authority) & (responder.serial == model.serial)
        return fn.EXISTS(responder.select().where(same & responder.status.in_(status)))

    def _valid_after(self, after: int) -> Any:
        """Those that have not expired and come behind that row; a range of one index, so any page takes as long."""
        model, now = self._model, to_timestamp(dt.datetime.now(dt.UTC))
        last = model.select(model.not_after).where(model.id == after).scalar() if after else None
        if last is None or last < now:
            return model.not_after >= now
        return (model.not_after >= last) & ((model.not_after > last) | (model.id > after))

    def _execute_many(self, statement: str, rows: list[tuple[Any, ...]]) -> int:
        with __exception_wrapper__:
            cursor = self._database.cursor()
            cursor.executemany(statement, rows)
        return int(cursor.rowcount)

    def _close_reserved(self, authority_id: int, serials: Iterable[str], query: Callable[[], Any]) -> None:
        model = self._model
        for serial in serials:  # mostly none, for which no query is made
            of_this = (model.authority == authority_id) & (model.serial == serial)
            query().where(of_this & (model.status == "reserved")).execute()

    @staticmethod
    def _record(row: CertificateRow) -> CertificateRecord:
        return CertificateRecord(
            id=row.id,
            authority_id=row.authority_id,
            serial=row.serial,
            status=row.status,
            profile=row.profile,
            subject=row.subject,
            names=tuple(json.loads(row.names)),
            not_before=from_timestamp(row.not_before),
            not_after=from_timestamp(row.not_after),
            tbs=None if row.tbs is None else bytes(row.tbs),
            certificate=None if row.certificate is None else bytes(row.certificate),
            reserved_at=from_timestamp(row.reserved_at),
            issued_at=None if row.issued_at is None else from_timestamp(row.issued_at),
            audit=audit_of(row),
        )
