"""Who acted, as columns of the tables of events, certificates and requests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Final

from peewee import SQL

from anchorhold.audit import MAX_LENGTH, Actor, AuditContext
from anchorhold.ledger.records import to_timestamp
from anchorhold.parser_errors import printable
from anchorhold.x509.validity import in_utc

if TYPE_CHECKING:
    import datetime as dt

_COLUMNS: Final = ("actor_kind", "actor_name", "actor_origin", "correlation_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilter:
    """Which events are wanted; None for any.

    Attributes:
        authority_id: Row number of the authority.
        serial: Serial number of the certificate, in hex, whole.
        actor: Name of the actor.
        actor_kind: Kind of the actor.
        correlation_id: Its correlation id.
        since: Not before this moment; without a zone it is taken for UTC.
        until: Before this moment, likewise.
    """

    authority_id: int | None = None
    serial: str | None = None
    actor: str | None = None
    actor_kind: str | None = None
    correlation_id: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


EVERYTHING: Final = HistoryFilter()


def columns_of(audit: AuditContext | None) -> dict[str, str | None]:
    """The values of the columns; null where it is not recorded, as by the release before."""
    if audit is None:
        return dict.fromkeys(_COLUMNS)
    actor = audit.actor
    return dict(zip(_COLUMNS, (actor.kind, actor.name, actor.origin, audit.correlation_id), strict=True))


def of_row(row: Any) -> AuditContext | None:
    """Who acted; None where it was not recorded."""
    if row.actor_kind is None:
        return None
    actor = Actor.of_stored(row.actor_kind, row.actor_name, row.actor_origin)
    return AuditContext(actor, printable(row.correlation_id or "")[:MAX_LENGTH])


def conditions(model: Any, at: Any, wanted: HistoryFilter) -> Any:
    """What a row must meet, whatever its authority and serial number are.

    Args:
        model: The table.
        at: Its column of the moment.
        wanted: Which rows.
    """
    equal = {
        "actor_name": wanted.actor,
        "actor_kind": wanted.actor_kind,
        "correlation_id": wanted.correlation_id,
    }
    found = [getattr(model, column) == value for column, value in equal.items() if value is not None]
    if wanted.since is not None:
        found.append(at >= to_timestamp(in_utc(wanted.since)))
    if wanted.until is not None:
        found.append(at < to_timestamp(in_utc(wanted.until)))
    return reduce(and_, found, SQL("1 = 1"))
