"""What happened to accounts: log-ins, refusals, changes. Events of certificates are in the ledger's history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from anchorhold_desk.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold_desk.schema import Tables


class Kind(StrEnum):
    """What happened."""

    LOGIN = "login"
    LOGIN_FAILED = "login-failed"
    LOCKED = "locked"
    LOGOUT = "logout"
    FORBIDDEN = "forbidden"
    PASSWORD_SET = "password-set"  # noqa: S105  # not one
    SECOND_FACTOR_SET = "second-factor-set"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    LINK_MADE = "link-made"
    ACCOUNT_MADE = "account-made"
    ACCOUNT_CHANGED = "account-changed"
    ROLE_GRANTED = "role-granted"
    ROLE_WITHDRAWN = "role-withdrawn"
    TOKEN_MADE = "token-made"  # noqa: S105  # not one
    TOKEN_ENDED = "token-ended"  # noqa: S105  # not one
    APPROVED = "request-approved"


@dataclass(frozen=True, slots=True)
class DeskEvent:
    """Something that happened.

    Attributes:
        id: Its number.
        at: When, seconds since 1970 UTC.
        kind: What.
        account: Name of the account, as it was given where there is none.
        origin: Where it came from.
        detail: More, without secrets.
    """

    id: int
    at: int
    kind: str
    account: str
    origin: str
    detail: Mapping[str, Any]


def record(tables: Tables, kind: Kind, account: str, origin: str = "", **detail: object) -> None:
    """Record something, in the caller's transaction."""
    tables.event.create(
        at=timestamp(), kind=kind.value, account=account, origin=origin, detail=json.dumps(detail, sort_keys=True)
    )


def events_before(tables: Tables, number: int | None, limit: int) -> Sequence[DeskEvent]:
    """A page of events, the newest first.

    Args:
        tables: Where they are.
        number: Of the last event of the page before; None for the first page.
        limit: Length of the page.
    """
    event = tables.event
    query = event.select().order_by(event.id.desc()).limit(limit)
    if number is not None:
        query = query.where(event.id < number)
    return [DeskEvent(row.id, row.at, row.kind, row.account, row.origin, json.loads(row.detail)) for row in query]
