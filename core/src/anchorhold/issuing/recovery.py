"""Finishing or abandoning what was interrupted: authorities without a certificate, certificates never completed."""

from __future__ import annotations

import base64
import datetime as dt
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.errors import KeyMissingError
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.creation import complete
from anchorhold.issuing.imports import complete_import
from anchorhold.issuing.offline import REQUEST, complete_request, is_waiting
from anchorhold.issuing.pending import record_key
from anchorhold.issuing.undo import find_keys
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from anchorhold.issuing.creation import Parent
    from anchorhold.issuing.place import KeyPlace
    from anchorhold.ledger import AuthorityRecord, CertificateRecord, Ledger

GRACE: Final = dt.timedelta(minutes=10)
"""How old a reservation must be before it counts as interrupted rather than under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """What waits to be finished or abandoned.

    Attributes:
        authorities: Pending authorities.
        moving: Authorities whose key was being moved.
        waiting: Authorities that wait for a certificate from elsewhere; nothing is wrong with them.
        certificates: Reservations that were never completed.
    """

    authorities: tuple[AuthorityRecord, ...]
    moving: tuple[AuthorityRecord, ...]
    waiting: tuple[AuthorityRecord, ...]
    certificates: tuple[CertificateRecord, ...]


def interrupted(ledger: Ledger, grace: dt.timedelta = GRACE) -> Interrupted:
    """All that was begun and not completed. Reservations younger than `grace` are taken to be under way."""
    with ledger.guarded():
        pending = ledger.authorities.pending()
        return Interrupted(
            authorities=tuple(record for record in pending if not is_waiting(record)),
            moving=tuple(ledger.authorities.moving()),
            waiting=tuple(record for record in pending if is_waiting(record)),
            certificates=tuple(ledger.certificates.reserved(now() - grace)),
        )


def finish(ledger: Ledger, place: KeyPlace, record: AuthorityRecord, parent: Parent | None) -> Authority:
    """Complete a pending authority whose key exists; one that is to be signed elsewhere waits for it afterwards.

    Raises:
        KeyMissingError: It has none; the authority can only be abandoned.
        AnchorholdError: As when it was created.
    """
    if is_waiting(record):
        return Authority(record)
    keys = find_keys(place, record)
    if not keys:
        raise KeyMissingError(
            f"authority {record.name!r}: its key was never made",
            hint=f"run `anchorhold recover --abandon {shlex.quote(record.name)}`",
        )
    plan = record.plan or {}
    record_key(ledger, record.id, keys[0])
    if plan["operation"] == "import":
        certificate = x509.load_der_x509_certificate(base64.b64decode(plan["certificate"]))
        return complete_import(ledger, place, record.id, certificate)
    if plan["operation"] == REQUEST:
        return complete_request(ledger, place, record.id)
    with ledger.transaction():
        ledger.certificates.abandon_all(record.id)
    return complete(ledger, place, record.id, parent)


def forget(ledger: Ledger, record: AuthorityRecord) -> None:
    """Free the name of a pending authority without looking for its key."""
    with ledger.transaction():
        ledger.certificates.abandon_all(record.id)
        ledger.authorities.abandon(record.id)
        ledger.events.append("authority-abandoned", record.name, key_id=record.key_id.hex(), key_forgotten=True)


def abandon_certificates(ledger: Ledger, certificates: tuple[CertificateRecord, ...]) -> None:
    """Close reservations; their serial numbers stay used, and their TBSCertificate is kept as evidence."""
    with ledger.transaction():
        for certificate in certificates:
            ledger.certificates.abandon(certificate.authority_id, [certificate.serial])
