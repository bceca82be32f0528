"""Finishing or abandoning what was interrupted: authorities without a certificate, certificates never completed."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import BusyError, KeyMissingError
from anchorhold.operations.authority import Authority
from anchorhold.operations.authority_intent import record_key
from anchorhold.operations.claims import at_work, claim_subject, claimed
from anchorhold.operations.create_authority import complete
from anchorhold.operations.external_parent import awaits_certificate, complete_request
from anchorhold.operations.import_authority import complete_import
from anchorhold.operations.previous_release import check_not_under_way, may_be_under_way
from anchorhold.operations.rollback import abandon_row, destroy_pending_key, find_keys, is_abandoning
from anchorhold.operations.state import CsrPending, Import, state_of
from anchorhold.remedy import Remedy
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.ledger import AuthorityRecord, CertificateRecord, Ledger
    from anchorhold.ledger.claims import Claim
    from anchorhold.ledger.records import KeyCopy
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.create_authority import Parent
    from anchorhold.operations.key_location import KeyLocation

GRACE_PERIOD: Final = dt.timedelta(minutes=10)
"""How old a reservation must be before it counts as interrupted rather than under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOperations:
    """What waits to be finished or abandoned, and what is near it.

    Attributes:
        authorities: Pending authorities that nobody is at work on.
        moving: Authorities whose key was being moved, and nobody is at that any more.
        waiting: Authorities that wait for a certificate from elsewhere; nothing is wrong with them.
        under_way: Authorities that a process is at work on now, and the claims of these; None where that process is
            of the release before, which makes no claims, and may still be at it.
        certificates: Reservations that were never completed.
        copies: Copies of keys that were left where they were used before.
    """

    authorities: tuple[AuthorityRecord, ...]
    moving: tuple[AuthorityRecord, ...]
    waiting: tuple[AuthorityRecord, ...]
    under_way: tuple[tuple[AuthorityRecord, Claim | None], ...]
    certificates: tuple[CertificateRecord, ...]
    copies: tuple[KeyCopy, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it; authorities by name."""
        return {
            "authorities": [record.name for record in self.authorities],
            "moving": [record.name for record in self.moving],
            "waiting": [record.name for record in self.waiting],
            "under_way": [
                {"authority": record.name, "claim": None if claim is None else claim.to_json()}
                for record, claim in self.under_way
            ],
            "certificates": [record.to_json() for record in self.certificates],
            "copies": [copy.to_json() for copy in self.copies],
        }


def pending_operations(ledger: Ledger, grace: dt.timedelta = GRACE_PERIOD) -> PendingOperations:
    """All that was begun and not completed. Reservations younger than `grace` are taken to be under way."""
    with ledger.translate_errors():
        seen = [at_work(ledger, found) for found in ledger.authorities.begun()]
        begun = [(record, claim) for claim, record in seen if record.is_begun]
        busy = [(record, claim) for record, claim in begun if claim is not None or may_be_under_way(ledger, record)]
        left = [record for record, claim in begun if (record, claim) not in busy]
        return PendingOperations(
            authorities=tuple(
                record for record in left if record.status == "pending" and not awaits_certificate(record)
            ),
            moving=tuple(record for record in left if record.status != "pending"),
            waiting=tuple(record for record in left if awaits_certificate(record)),
            under_way=tuple(busy),
            certificates=tuple(ledger.certificates.reserved(now() - grace)),
            copies=tuple(ledger.key_copies.all()),
        )


def finish(ledger: Ledger, location: KeyLocation, record: AuthorityRecord, parent: Parent | None) -> Authority:
    """Complete a pending authority whose key exists; one that is to be signed elsewhere waits for it afterwards.

    Raises:
        BusyError: Another process is working on it.
        KeyMissingError: It has no key; the authority can only be abandoned.
        AnchorholdError: As when it was created.
    """
    if awaits_certificate(record):
        return Authority(record)
    with _taken_over(ledger, record, "being finished") as (work, current):
        if is_abandoning(current):
            raise KeyMissingError(
                f"authority {record.name!r}: was being abandoned, and its key may have been destroyed",
                hint="abandon it again",
                remedy=Remedy("recovery.abandon", {"authority": record.name}),
            )
        keys = find_keys(location, current)
        if not keys:
            raise KeyMissingError(
                f"authority {record.name!r}: its key was never made",
                hint="abandon it",
                remedy=Remedy("recovery.abandon", {"authority": record.name}),
            )
        return _complete(work, location, record_key(work, current, keys[0]), parent)


def _complete(work: ClaimedWork, location: KeyLocation, record: AuthorityRecord, parent: Parent | None) -> Authority:
    """From a recorded key to what the plan says."""
    state = state_of(record)
    if isinstance(state, Import):
        certificate = load_lenient(state.certificate)
        return complete_import(work, location, record, certificate)
    if isinstance(state, CsrPending):
        return complete_request(work, location, record)
    with work.step():
        work.ledger.certificates.abandon_all(record.id)
    return complete(work, location, record, parent)


def abandon(ledger: Ledger, location: KeyLocation, record: AuthorityRecord) -> bool:
    """Give up a pending authority, and destroy its key if there is one that was not adopted.

    Returns:
        Whether a key was destroyed.

    Raises:
        BusyError: Another process is working on it.
        AnchorholdError: The key may still exist; the authority stays pending.
    """
    with _taken_over(ledger, record, "being abandoned") as (work, current):
        return destroy_pending_key(work, location, current)


def forget(ledger: Ledger, record: AuthorityRecord) -> None:
    """Free the name of a pending authority without looking for its key.

    Raises:
        BusyError: Another process is working on it.
    """
    with _taken_over(ledger, record, "being abandoned") as (work, current):
        abandon_row(work, current, key_forgotten=True)


@contextmanager
def _taken_over(ledger: Ledger, record: AuthorityRecord, doing: str) -> Iterator[tuple[ClaimedWork, AuthorityRecord]]:
    """A pending authority to oneself, as it is now.

    Raises:
        BusyError: Another process is working on it, or it is not pending any more.
    """
    check_not_under_way(ledger, record)
    with claimed(ledger, claim_subject(record.id), doing, f"authority {record.name!r}") as work:
        current = ledger.authorities.get(record.id)
        if current.status != "pending":
            ended = "was abandoned" if current.status == "abandoned" else "was completed"
            raise BusyError(
                f"authority {record.name!r}: {ended} by another process in the meantime",
                hint="nothing is left to do; check its state in the list of authorities",
                remedy=Remedy("authorities.list"),
            )
        yield work, current


def abandon_certificates(ledger: Ledger, certificates: tuple[CertificateRecord, ...]) -> None:
    """Close reservations; their serial numbers stay used, and their TBSCertificate is kept as evidence."""
    with ledger.transaction():
        for certificate in certificates:
            ledger.certificates.abandon(certificate.authority_id, [certificate.serial])
            authority = ledger.authorities.get(certificate.authority_id)
            ledger.events.append("certificate-failed", authority, serial=certificate.serial, reason="interrupted")
