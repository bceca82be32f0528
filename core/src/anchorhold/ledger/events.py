"""The book of events: what happened to authorities, in order."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from anchorhold.ledger.records import Event, moment, seconds

if TYPE_CHECKING:
    from anchorhold.ledger.epoch import Epoch


class Events:
    """Appends and lists events.

    Args:
        model: The table.
        epoch: Begins anew with each event.
    """

    def __init__(self, model: Any, epoch: Epoch) -> None:
        self._model = model
        self._epoch = epoch

    def append(self, kind: str, authority: str, **detail: Any) -> None:
        """Record an event, within the caller's transaction. No detail may be a secret."""
        now = seconds(dt.datetime.now(dt.UTC))
        self._model.create(at=now, kind=kind, authority=authority, detail=json.dumps(detail, sort_keys=True))
        self._epoch.advance()

    def last(self, kind: str, authority: str) -> dt.datetime | None:
        """When the last event of a kind was recorded of an authority; None if there was none."""
        model = self._model
        of_kind = (model.kind == kind) & (model.authority == authority)
        row = model.select(model.at).where(of_kind).order_by(model.id.desc()).first()
        return None if row is None else moment(row.at)

    def history(self, authority: str | None = None) -> list[Event]:
        """All events, oldest first, or those of one authority."""
        query = self._model.select().order_by(self._model.id)
        if authority is not None:
            query = query.where(self._model.authority == authority)
        return [
            Event(id=row.id, at=moment(row.at), kind=row.kind, authority=row.authority, detail=json.loads(row.detail))
            for row in query
        ]
