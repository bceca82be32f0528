"""Claiming before doing: one process at a time works on an authority, and the ledger says so first.

Keys are destroyed only under a claim that was committed before. A process that was suspended for so long that another
process took the claim finds out with the next commit, and undoes nothing that is not its own.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import BusyError, LedgerError
from anchorhold.ledger.claims import note_finished
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.claims import Claim
    from anchorhold.ledger.records import AuthorityRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClaimedWork:
    """Work on something that this process has claimed.

    Attributes:
        ledger: Where the claim is.
        claim: The claim.
        what: What is claimed, in messages.
    """

    ledger: Ledger
    claim: Claim
    what: str

    @contextmanager
    def step(self, *, alone: bool = False) -> Iterator[None]:
        """A transaction that is committed only if the claim was not lost before it.

        Args:
            alone: Whether others like it wait for it.

        Raises:
            BusyError: It was.
            LedgerError: The database refused.
        """
        with self.ledger.transaction(alone=alone):
            self.confirm()
            yield

    def confirm(self) -> None:
        """Within a transaction: extend the claim by its full length.

        Raises:
            BusyError: It was lost.
        """
        if self.ledger.claims.confirm(self.claim):
            return
        other = self.ledger.claims.of(self.claim.subject)
        now = "" if other is None else f" and is {other.description} now"
        raise BusyError(
            f"{self.what}: was {self.claim.work} here for too long, was taken over{now}",
            hint="check its state, and finish what is left to do",
            remedy=Remedy("recovery.pending"),
        )


def claim_subject(authority_id: int) -> str:
    """What is claimed by a process that creates, finishes, abandons or moves an authority, as the ledger calls it."""
    return f"authority {authority_id}"


def at_work(ledger: Ledger, record: AuthorityRecord) -> tuple[Claim | None, AuthorityRecord]:
    """Who is at work on an authority, and the authority as it is.

    A process records what came of its work, and then ends its claim. So an authority whose claim was found free was
    left as it was read before only if it is still the same afterwards; otherwise it is looked at again.

    Args:
        ledger: Where both are; within a transaction or `Ledger.translate_errors`.
        record: As it was read before.
    """
    while True:
        claim = ledger.claims.of(claim_subject(record.id))
        current = ledger.authorities.get(record.id)
        if claim is not None or current == record:
            return claim, current
        record = current


def begin_claim(ledger: Ledger, subject: str, work: str, what: str) -> ClaimedWork:
    """Claim something, within the caller's transaction.

    Args:
        ledger: Where claims are.
        subject: What, as the ledger calls it.
        work: What is going to be done, in words that follow "is".
        what: What to call it in messages.

    Raises:
        BusyError: Another process is working on it.
    """
    claim, mine = ledger.claims.claim(subject, work)
    if not mine:
        raise BusyError(f"{what}: is {claim.description}", hint="wait for that process or stop it, and retry")
    return ClaimedWork(ledger, claim, what)


@contextmanager
def released_afterwards(work: ClaimedWork) -> Iterator[ClaimedWork]:
    """Give a claim back at the end, however that comes."""
    try:
        yield work
    finally:
        note_finished(work.claim)
        try:
            with work.ledger.transaction():
                work.ledger.claims.release(work.claim)
        except LedgerError as error:  # it ends by itself, and this must not hide why the work did
            logger.debug("could not release a claim", exc_info=error)


@contextmanager
def claimed(ledger: Ledger, subject: str, work: str, what: str) -> Iterator[ClaimedWork]:
    """Have something to oneself; arguments as for `begin_claim`.

    Raises:
        BusyError: Another process is working on it.
    """
    with ledger.transaction():
        started = begin_claim(ledger, subject, work, what)
    with released_afterwards(started):
        yield started
