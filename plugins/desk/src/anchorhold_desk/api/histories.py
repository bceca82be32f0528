"""What happened: the history of the ledger, and the events of accounts."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import Field

from anchorhold.ledger.audits import HistoryFilter
from anchorhold.x509.serials import complete_serial, parse_serial
from anchorhold_desk.api.cursors import Cursor, cursor_of, number_of
from anchorhold_desk.api.endpoint import Call, Endpoint
from anchorhold_desk.api.model import Model, Moment, Name, PageSize, Query, Told
from anchorhold_desk.roles import Act

KIND: Final = "event"


class HistoryQuery(Query):
    """Which entries."""

    authority: Name | None = None
    actor: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    serial: Annotated[str, Field(pattern=r"^[0-9a-fA-F:]{1,128}$")] | None = None
    limit: PageSize = 100


class ActorItem(Model):
    """Who has acted."""

    kind: str
    name: str
    origin: str


class HistoryItem(Model):
    """Something that was done."""

    at: Told
    kind: str
    authority: str
    serial: str | None
    actor: ActorItem | None
    correlation_id: str | None
    detail: dict[str, Any]


class HistoryList(Model):
    """What was done, the newest first."""

    items: list[HistoryItem]


class EventQuery(Query):
    """Which events."""

    cursor: Cursor | None = None
    limit: PageSize = 100


class EventItem(Model):
    """Something that happened to accounts."""

    id: int
    at: Told
    kind: str
    account: str
    origin: str
    detail: dict[str, Any]


class EventPage(Model):
    """A page of events, the newest first."""

    items: list[EventItem]
    next: str | None


def moment_of(seconds: int) -> str:
    """A moment of the desk's database, seconds since 1970, as JSON has it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()


def _history(call: Call) -> dict[str, Any]:
    query: HistoryQuery = call.query
    wanted = HistoryFilter(
        serial=None if query.serial is None else complete_serial(parse_serial(query.serial)),
        actor=query.actor,
        since=query.since,
        until=query.until,
    )
    return {"items": [entry.to_json() for entry in call.acting.history(query.authority, wanted, query.limit)]}


def _events(call: Call) -> dict[str, Any]:
    query: EventQuery = call.query
    page = call.acting.events(number_of(KIND, query.cursor), query.limit)
    more = len(page) == query.limit
    return {
        "items": [{**asdict(event), "at": moment_of(event.at)} for event in page],
        "next": cursor_of(KIND, page[-1].id) if more else None,
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/history",
        operation="listHistory",
        summary="What was done to authorities and certificates, the newest first",
        acts=(Act.VIEW,),
        query=HistoryQuery,
        answer=HistoryList,
        handler=_history,
    ),
    Endpoint(
        method="GET",
        path="/events",
        operation="listEvents",
        summary="A page of what happened to accounts: log-ins, refusals, changes",
        acts=(Act.ADMINISTER,),
        query=EventQuery,
        answer=EventPage,
        handler=_events,
    ),
)
