"""Finishing or abandoning what was interrupted: authorities without a certificate, certificates never completed."""

from __future__ import annotations

import base64
import datetime as dt
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.errors import KeyMissingError
from anchorhold.issuing.creation import complete
from anchorhold.issuing.imports import complete_import
from anchorhold.issuing.undo import find_keys
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.creation import Parent
    from anchorhold.ledger import AuthorityRecord, CertificateRecord, Ledger
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.requests import Secrets

GRACE: Final = dt.timedelta(minutes=10)
"""How old a reservation must be before it counts as interrupted rather than under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """What waits to be finished or abandoned.

    Attributes:
        authorities: Pending authorities.
        certificates: Reservations that were never completed.
    """

    authorities: tuple[AuthorityRecord, ...]
    certificates: tuple[CertificateRecord, ...]


def interrupted(ledger: Ledger, grace: dt.timedelta = GRACE) -> Interrupted:
    """All that was begun and not completed. Reservations younger than `grace` are taken to be under way."""
    with ledger.guarded():
        return Interrupted(
            authorities=tuple(ledger.authorities.pending()),
            certificates=tuple(ledger.certificates.reserved(now() - grace)),
        )


def finish(
    ledger: Ledger, backend: KeyBackend, secrets: Secrets, record: AuthorityRecord, parent: Parent | None
) -> Authority:
    """Complete a pending authority whose key exists.

    Raises:
        KeyMissingError: It has none; the authority can only be abandoned.
        AnchorholdError: As when it was created.
    """
    keys = find_keys(backend, secrets, record)
    if not keys:
        raise KeyMissingError(
            f"authority {record.name!r}: its key was never made",
            hint=f"run `anchorhold recover --abandon {shlex.quote(record.name)}`",
        )
    plan = record.plan or {}
    if plan["operation"] == "import":
        certificate = x509.load_der_x509_certificate(base64.b64decode(plan["certificate"]))
        return complete_import(ledger, backend, secrets, record.id, keys[0], certificate)
    with ledger.transaction():
        ledger.certificates.abandon_all(record.id)
    return complete(ledger, backend, secrets, record.id, keys[0], parent)


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
