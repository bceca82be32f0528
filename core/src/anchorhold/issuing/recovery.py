"""Finishing or abandoning what was interrupted: authorities without a certificate, certificates never completed."""

from __future__ import annotations

import base64
import datetime as dt
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anchorhold.errors import BusyError, KeyMissingError
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.claiming import claimed, subject_of
from anchorhold.issuing.creation import complete
from anchorhold.issuing.imports import complete_import
from anchorhold.issuing.offline import REQUEST, complete_request, is_waiting
from anchorhold.issuing.older import check_not_under_way, may_be_under_way
from anchorhold.issuing.pending import record_key
from anchorhold.issuing.undo import close, find_keys, is_abandoning, remove
from anchorhold.remedy import Remedy
from anchorhold.x509.loose_certificates import certificate_of
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.issuing.claiming import Work
    from anchorhold.issuing.creation import Parent
    from anchorhold.issuing.place import KeyPlace
    from anchorhold.ledger import AuthorityRecord, CertificateRecord, Ledger
    from anchorhold.ledger.claims import Claim
    from anchorhold.ledger.records import KeyCopy

GRACE: Final = dt.timedelta(minutes=10)
"""How old a reservation must be before it counts as interrupted rather than under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
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


def interrupted(ledger: Ledger, grace: dt.timedelta = GRACE) -> Interrupted:
    """All that was begun and not completed. Reservations younger than `grace` are taken to be under way."""
    with ledger.guarded():
        begun = [*ledger.authorities.pending(), *ledger.authorities.moving()]
        claims = {record.id: ledger.claims.of(subject_of(record.id)) for record in begun}
        busy = [record for record in begun if claims[record.id] is not None or may_be_under_way(ledger, record)]
        left = [record for record in begun if record not in busy]
        return Interrupted(
            authorities=tuple(record for record in left if record.status == "pending" and not is_waiting(record)),
            moving=tuple(record for record in left if record.status != "pending"),
            waiting=tuple(record for record in left if is_waiting(record)),
            under_way=tuple((record, claims[record.id]) for record in busy),
            certificates=tuple(ledger.certificates.reserved(now() - grace)),
            copies=tuple(ledger.key_copies.all()),
        )


def finish(ledger: Ledger, place: KeyPlace, record: AuthorityRecord, parent: Parent | None) -> Authority:
    """Complete a pending authority whose key exists; one that is to be signed elsewhere waits for it afterwards.

    Raises:
        BusyError: Somebody is at work on it.
        KeyMissingError: It has none; the authority can only be abandoned.
        AnchorholdError: As when it was created.
    """
    if is_waiting(record):
        return Authority(record)
    with _taken_over(ledger, record, "being finished") as (work, current):
        if is_abandoning(current):
            raise KeyMissingError(
                f"authority {record.name!r}: was given up, and its key may have been destroyed",
                hint="abandon it again",
                remedy=Remedy("recovery.abandon", {"authority": record.name}),
            )
        keys = find_keys(place, current)
        if not keys:
            raise KeyMissingError(
                f"authority {record.name!r}: its key was never made",
                hint="abandon it",
                remedy=Remedy("recovery.abandon", {"authority": record.name}),
            )
        return _complete(work, place, record_key(work, current, keys[0]), parent)


def _complete(work: Work, place: KeyPlace, record: AuthorityRecord, parent: Parent | None) -> Authority:
    """From a recorded key to what the plan says."""
    plan = record.plan or {}
    if plan["operation"] == "import":
        certificate = certificate_of(base64.b64decode(plan["certificate"]))
        return complete_import(work, place, record, certificate)
    if plan["operation"] == REQUEST:
        return complete_request(work, place, record)
    with work.step():
        work.ledger.certificates.abandon_all(record.id)
    return complete(work, place, record, parent)


def abandon(ledger: Ledger, place: KeyPlace, record: AuthorityRecord) -> bool:
    """Give up a pending authority, and destroy its key if there is one that was not adopted.

    Returns:
        Whether a key was destroyed.

    Raises:
        BusyError: Somebody is at work on it.
        AnchorholdError: The key may still exist; the authority stays pending.
    """
    with _taken_over(ledger, record, "being abandoned") as (work, current):
        return remove(work, place, current)


def forget(ledger: Ledger, record: AuthorityRecord) -> None:
    """Free the name of a pending authority without looking for its key.

    Raises:
        BusyError: Somebody is at work on it.
    """
    with _taken_over(ledger, record, "being abandoned") as (work, current):
        close(work, current, key_forgotten=True)


@contextmanager
def _taken_over(ledger: Ledger, record: AuthorityRecord, doing: str) -> Iterator[tuple[Work, AuthorityRecord]]:
    """A pending authority to oneself, as it is now.

    Raises:
        BusyError: Somebody is at work on it, or it is not pending any more.
    """
    check_not_under_way(ledger, record)
    with claimed(ledger, subject_of(record.id), doing, f"authority {record.name!r}") as work:
        current = ledger.authorities.get(record.id)
        if current.status != "pending":
            ended = "was abandoned" if current.status == "abandoned" else "was completed"
            raise BusyError(
                f"authority {record.name!r}: {ended} by another process meanwhile",
                hint="there is nothing left to do; see its state in the list of authorities",
                remedy=Remedy("authorities.list"),
            )
        yield work, current


def abandon_certificates(ledger: Ledger, certificates: tuple[CertificateRecord, ...]) -> None:
    """Close reservations; their serial numbers stay used, and their TBSCertificate is kept as evidence."""
    with ledger.transaction():
        for certificate in certificates:
            ledger.certificates.abandon(certificate.authority_id, [certificate.serial])
