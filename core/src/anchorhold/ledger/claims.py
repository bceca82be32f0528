"""The repository of claims: which process is working on what. Every method runs within the caller's transaction.

A claim ends when it is released, when it expires, or when its process is found to have died on this machine. A claim of
this process also ends with the work under it, because the database may be unavailable when the claim is to be released.
A claim that lasts longer than claims can was made by a clock that was ahead, and is ignored. Times are those of the
database server if there is one, because the clocks of several hosts differ.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.databases import database_time
from anchorhold.ledger.process_liveness import may_be_alive, process_identity
from anchorhold.ledger.schema import from_timestamp
from anchorhold.x509.validity import CLOCK_TOLERANCE

if TYPE_CHECKING:
    import datetime as dt

    from peewee import Database

    from anchorhold.ledger.rows import ClaimRow

LEASE: Final = 600
"""Seconds for which a claim is good, each time it is made or confirmed."""

_MAX_LEASE: Final = LEASE + int(CLOCK_TOLERANCE.total_seconds())
"""Seconds from now after which no claim ends: the clock of the claimant was ahead, or this one was put back."""

logger = logging.getLogger(__name__)

_in_use: set[str] = set()
"""Holders of the claims that this process is using."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim.

    Attributes:
        subject: On what, such as ``authority 12``.
        holder: Names this one claim.
        work: What is being done, in words that follow "is".
        host: Where.
        process: By which process.
        until: When it ends unless it is confirmed.
    """

    subject: str
    holder: str
    work: str
    host: str
    process: int
    until: dt.datetime

    @property
    def description(self) -> str:
        """What is done, by whom, and for how long at most."""
        return f"{self.work} by process {self.process} on {self.host} (until {self.until:%Y-%m-%d %H:%M} UTC)"

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        until = self.until.isoformat()
        return {"work": self.work, "host": self.host, "process": self.process, "until": until}


def note_finished(claim: Claim) -> None:
    """Note that this process works no more under a claim, whether or not the ledger can be told."""
    _in_use.discard(claim.holder)


class ClaimRepository:
    """Takes, confirms and gives back claims.

    Args:
        database: Where they are.
        model: The table.
    """

    def __init__(self, database: Database, model: Any) -> None:
        self._database = database
        self._model = model

    def claim(self, subject: str, work: str) -> tuple[Claim, bool]:
        """Claim a subject, unless another process has it.

        Args:
            subject: On what.
            work: What is to be done.

        Returns:
            The claim and True; or the one that another process has, and False.
        """
        model, now = self._model, self._now()
        free = {"holder": "", "work": "", "host": "", "process": 0, "life": "", "until": 0}
        model.insert(subject=subject, **free).on_conflict_ignore().execute()
        row = model.get(model.subject == subject)
        if self._is_held(row, now):
            return self._claim(row), False
        if row.holder and row.until > now + _MAX_LEASE:
            logger.warning(
                "%s: a claim of process %d on %s is dated in the future (until %s UTC), so it is ignored",
                subject,
                row.process,
                row.host,
                f"{from_timestamp(row.until):%Y-%m-%d %H:%M}",
            )
        values: dict[str, Any] = {
            "holder": secrets.token_hex(8),
            "work": work,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "life": process_identity(),
            "until": now + LEASE,
        }
        as_read = (model.subject == subject) & (model.holder == row.holder) & (model.until == row.until)
        _in_use.add(values["holder"])
        mine = bool(model.update(**values).where(as_read).execute())
        if not mine:
            _in_use.discard(values["holder"])
        return self._claim(model.get(model.subject == subject)), mine

    def confirm(self, claim: Claim) -> bool:
        """Go on with a claim, for as long again; nobody else can take it until the transaction ends.

        Returns:
            False if it was lost: it expired and another process took it, or it was given back.
        """
        model = self._model
        mine = (model.subject == claim.subject) & (model.holder == claim.holder)
        return bool(model.update(until=self._now() + LEASE).where(mine).execute())

    def release(self, claim: Claim) -> None:
        """End a claim; a claim that another process has taken since stays."""
        model = self._model
        mine = (model.subject == claim.subject) & (model.holder == claim.holder)
        model.update(holder="", until=0).where(mine).execute()

    def of(self, subject: str) -> Claim | None:
        """The claim on a subject; None if no process is working on it."""
        row = self._model.get_or_none(self._model.subject == subject)
        return None if row is None or not self._is_held(row, self._now()) else self._claim(row)

    def was_ever_made(self, subject: str) -> bool:
        """Whether a subject was ever claimed; what the release before was at work on was not."""
        return bool(self._model.select().where(self._model.subject == subject).exists())

    @staticmethod
    def _is_held(row: ClaimRow, now: int) -> bool:
        if not row.holder or not now <= row.until <= now + _MAX_LEASE:
            return False
        if row.life and (row.process, row.life) == (os.getpid(), process_identity()):
            return row.holder in _in_use
        return may_be_alive(row.process, row.life)

    def _now(self) -> int:
        return int(database_time(self._database))

    @staticmethod
    def _claim(row: ClaimRow) -> Claim:
        return Claim(
            subject=row.subject,
            holder=row.holder,
            work=row.work,
            host=row.host,
            process=row.process,
            until=from_timestamp(row.until),
        )
