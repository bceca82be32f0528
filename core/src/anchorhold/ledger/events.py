"""The repository of events: what happened to authorities, in order."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final, Literal

from peewee import SQL

from anchorhold.ledger.audits import EVERYTHING, conditions
from anchorhold.ledger.notices import CommitNotices, Notice
from anchorhold.ledger.records import ISSUED, Event
from anchorhold.ledger.schema import audit_columns, audit_of, from_timestamp, to_timestamp

if TYPE_CHECKING:
    from anchorhold.audit import AuditContext
    from anchorhold.ledger.audits import HistoryFilter
    from anchorhold.ledger.records import AuthorityRecord
    from anchorhold.ledger.revision import LedgerRevision

_OF_INDEX: Final = "kind IN ('crl-begun', 'csr-begun')"
"""As the index of these has it; SQLite uses it only where it reads these words."""


class EventRepository:
    """Appends and lists events.

    Args:
        model: The table.
        authority: The table of authorities.
        revision: Advances with each event.
        audit: Who acts; None where that is not recorded.
        notices: Collects each event.
    """

    def __init__(
        self,
        model: Any,
        authority: Any,
        revision: LedgerRevision,
        audit: AuditContext | None = None,
        notices: CommitNotices | None = None,
    ) -> None:
        self._model = model
        self._authority = authority
        self._revision = revision
        self._audit = audit_columns(audit)
        self._notices = notices or CommitNotices()

    def append(self, kind: str, authority: AuthorityRecord | str, **detail: Any) -> None:
        """Record an event, within the caller's transaction.

        Args:
            kind: Such as ``authority-created``.
            authority: As it was read; or its name, which must be the one that it has now.
            detail: More; no secret.
        """
        name, row = (
            (authority, self._row_of(authority)) if isinstance(authority, str) else (authority.name, authority.id)
        )
        moment, serial = dt.datetime.now(dt.UTC), detail.get("serial")
        if kind != ISSUED and self._notices.collected is not None:  # a certificate that was issued is told of
            self._notices.collected.append(Notice(kind=kind, at=moment, authority_id=row, serial=serial, detail=detail))
        self._model.create(
            at=to_timestamp(moment),
            kind=kind,
            authority=name,
            authority_id=row,
            serial=serial,
            detail=json.dumps(detail, sort_keys=True),
            **self._audit,
        )
        self._revision.advance()

    def last(self, kind: str, authority: str) -> dt.datetime | None:
        """When the last event of a kind was recorded of an authority; None if there was none."""
        model = self._model
        of_kind = (model.kind == kind) & (model.authority == authority)
        row = model.select(model.at).where(of_kind).order_by(model.id.desc()).first()
        return None if row is None else from_timestamp(row.at)

    def begun(self, kind: Literal["crl-begun", "csr-begun"], authority_id: int, text: str) -> dict[str, Any] | None:
        """The detail of the newest event by which something was begun, and that has a text as JSON; None without one.

        Args:
            kind: Of the event.
            authority_id: Row number of the authority.
            text: Such as ``"number": 7,``; members stand in the order of their names.
        """
        model = self._model
        wanted = (model.kind == kind) & (model.authority_id == authority_id) & model.detail.contains(text)
        query = model.select(model.detail).where(SQL(_OF_INDEX) & wanted).order_by(model.id.desc())
        row = query.first()
        found: dict[str, Any] | None = None if row is None else json.loads(row.detail)
        return found

    def kinds_of(self, authority_id: int) -> set[str]:
        """The kinds of all events of an authority."""
        model = self._model
        return {row.kind for row in model.select(model.kind).where(model.authority_id == authority_id).distinct()}

    def history(
        self,
        wanted: HistoryFilter = EVERYTHING,
        *,
        before: int | None = None,
        limit: int | None = None,
        older: bool = False,
    ) -> list[Event]:
        """Events that fit, the newest first.

        Args:
            wanted: Which ones.
            before: Row number of the last event of the page before.
            limit: Length of the page; None for all.
            older: Instead those without authority or serial number, which a process of the release before has recorded
                while this release ran. Apart, because one query for both could use no index.
        """
        model = self._model
        query = model.select().where(conditions(model, model.at, wanted)).order_by(model.id.desc())
        for condition in (self._older if older else self._chosen)(wanted):
            query = query.where(condition)
        if before is not None:
            query = query.where(model.id < before)
        return [
            Event(
                id=row.id,
                at=from_timestamp(row.at),
                kind=row.kind,
                authority=row.authority,
                serial=row.serial,
                detail=json.loads(row.detail),
                audit=audit_of(row),
            )
            for row in query.limit(limit)
        ]

    def _chosen(self, wanted: HistoryFilter) -> list[Any]:
        """Which authority and certificate they are about."""
        equal = ((self._model.authority_id, wanted.authority_id), (self._model.serial, wanted.serial))
        return [column == value for column, value in equal if value is not None]

    def _older(self, wanted: HistoryFilter) -> list[Any]:
        """The same by the name that the authority has now, and by the detail."""
        model, authority = self._model, self._authority
        found = [model.actor_kind.is_null()]
        if wanted.authority_id is not None:
            name = authority.select(authority.name).where(authority.id == wanted.authority_id)
            found += [model.authority_id.is_null(), model.authority == name]
        if wanted.serial is not None:
            found += [model.serial.is_null(), model.detail.contains(f'"serial": "{wanted.serial}"')]
        return found

    def _row_of(self, authority: str) -> int | None:
        """The row of the authority that has this name now: events outlive a change of the name."""
        model = self._authority
        row: int | None = model.select(model.id).where(model.name == authority).order_by(model.id.desc()).scalar()
        return row
