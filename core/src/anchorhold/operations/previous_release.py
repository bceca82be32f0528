"""What a process of the release before may be at work on, which makes no claims: it has its time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from anchorhold.errors import BusyError
from anchorhold.operations.claims import claim_subject
from anchorhold.operations.external_parent import awaits_certificate
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from anchorhold.ledger import AuthorityRecord, Ledger

GRACE_PERIOD: Final = dt.timedelta(minutes=10)
"""No work of the release before that goes on takes longer."""


def may_be_under_way(ledger: Ledger, record: AuthorityRecord) -> bool:
    """Whether such a process may be creating an authority or moving its key; within ``ledger.guarded()``."""
    if awaits_certificate(record) or ledger.claims.was_ever_made(claim_subject(record.id)):
        return False
    begun = record.created_at if record.status == "pending" else ledger.events.last("key-move-begun", record.name)
    return begun is not None and is_recent(begun, now())


def is_recent(begun: dt.datetime, moment: dt.datetime) -> bool:
    """Whether what was begun then may still go on; what is dated in the future may not."""
    return moment - GRACE_PERIOD < begun <= moment


def check_not_under_way(ledger: Ledger, record: AuthorityRecord) -> None:
    """Refuse to finish or give up what such a process may be doing.

    Raises:
        BusyError: It may.
        LedgerError: The database refused.
    """
    with ledger.translate_errors():
        busy = may_be_under_way(ledger, record)
    if busy:
        raise BusyError(
            f"authority {record.name!r}: a process of an older version may be working on it",
            hint=f"make sure that it has ended, and retry {GRACE_PERIOD.seconds // 60} minutes after it began",
        )
