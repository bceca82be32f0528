"""Claiming before doing: one process at a time works on an authority, and it says so in the ledger first.

Whatever is destroyed is destroyed under a claim that was committed before. Whoever was stopped for so long that
somebody else took the claim finds out with the next commit, and undoes nothing that is not its own.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchorhold.errors import BusyError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.claims import Claim

logger = logging.getLogger(__name__)


def subject_of(authority_id: int) -> str:
    """What is claimed by whoever makes, finishes, abandons or moves an authority."""
    return f"authority {authority_id}"


def claim(ledger: Ledger, subject: str, work: str, what: str) -> Claim:
    """Claim something, within the caller's transaction.

    Args:
        ledger: Where claims are.
        subject: As the ledger calls it.
        work: What is going to be done, in words that follow "is".
        what: What to call it in messages.

    Raises:
        BusyError: Somebody is at work on it.
    """
    taken, mine = ledger.claims.take(subject, work)
    if not mine:
        raise BusyError(f"{what}: is {taken.described}", hint="wait for that process, or end it, and repeat")
    return taken


@contextmanager
def held(ledger: Ledger, taken: Claim) -> Iterator[Claim]:
    """Give a claim back at the end, however that comes."""
    try:
        yield taken
    finally:
        try:
            with ledger.transaction():
                ledger.claims.give_back(taken)
        except LedgerError as error:  # it ends by itself, and this must not hide why the work did
            logger.debug("could not give back a claim", exc_info=error)


@contextmanager
def claimed(ledger: Ledger, subject: str, work: str, what: str) -> Iterator[Claim]:
    """Have something to oneself; arguments as for `claim`.

    Raises:
        BusyError: Somebody is at work on it.
    """
    with ledger.transaction():
        taken = claim(ledger, subject, work, what)
    with held(ledger, taken):
        yield taken
