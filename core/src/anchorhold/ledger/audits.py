"""Which events and certificates are wanted, by who acted and when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Final

from peewee import SQL

from anchorhold.ledger.schema import to_timestamp
from anchorhold.x509.validity import in_utc

if TYPE_CHECKING:
    import datetime as dt


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
