"""Pending authorities: the row that is recorded before a key exists, and what follows until it is complete."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from anchorhold.errors import AuthorityExistsError, InputError
from anchorhold.operations.claims import at_work, begin_claim, claim_subject, released_afterwards
from anchorhold.operations.key_copies import check_adoptable
from anchorhold.operations.rollback import roll_back
from anchorhold.plugin.requests import CertificateAuthority
from anchorhold.public_keys import spki
from anchorhold.remedy import Remedy
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.names import format_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.ledger import AuthorityRecord, IssuancePolicy, Ledger
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.claims import ClaimedWork
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.operations.key_sources import KeySource
    from anchorhold.operations.state import PendingAuthority
    from anchorhold.plugin.requests import CreatedKey
    from anchorhold.public_keys import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityIntent:
    """What is recorded of an authority before its key exists.

    Attributes:
        name: Under which it will be known here.
        subject: Distinguished name (RFC 4514).
        parent: What signs it; None for a root, or if that is not known here.
        state: What is needed to finish it.
        issuing: What it puts into what it signs.
        certificate: The one it will have, in DER; None if that is made later.
    """

    name: str
    subject: str
    parent: Authority | None
    state: PendingAuthority
    issuing: IssuancePolicy
    certificate: bytes | None = None


def establish(
    ledger: Ledger,
    location: KeyLocation,
    source: KeySource,
    intent: AuthorityIntent,
    complete: Callable[[ClaimedWork, AuthorityRecord], Authority],
) -> Authority:
    """Record the intent, obtain the key, and complete the authority; what fails is taken back.

    Args:
        ledger: Where it is recorded.
        location: Where its key will be.
        source: Where its key comes from.
        intent: What is recorded first.
        complete: From the record with its key to the authority.

    Raises:
        AuthorityExistsError: The name is taken.
        BusyError: This took so long that another process finished or abandoned it.
        AnchorholdError: What was made is removed again, and if it cannot be, the hint says so and ``recover``
            finishes or removes it.
    """
    key_id = os.urandom(20)
    source.check(location, key_id)
    work, record = _begin(ledger, location, source, intent, key_id)
    with released_afterwards(work):
        try:
            created = source.obtain(location, key_id, CertificateAuthority(name=intent.name, subject=intent.subject))
            return complete(work, record_key(work, record, created))
        except Exception as error:
            roll_back(work, location, record.id, error)
            raise


def _begin(
    ledger: Ledger, location: KeyLocation, source: KeySource, intent: AuthorityIntent, key_id: bytes
) -> tuple[ClaimedWork, AuthorityRecord]:
    """Record and claim it in one commit."""
    check_name(intent.name)
    adopted = source.existing is not None  # then its handle is recorded, and how it was described is not needed
    state = replace(intent.state, options={} if adopted else location.options, adopted=adopted)
    with ledger.transaction(alone=True):
        check_name_free(ledger, intent.name)
        if intent.certificate is not None:
            check_certificate_new(ledger, intent.certificate)
        if source.existing is not None:
            check_authority_new(ledger, intent.subject, source.existing.public_key)
        authority_id = ledger.authorities.begin(
            name=intent.name,
            parent_id=intent.parent.record.id if intent.parent is not None else None,
            subject=intent.subject,
            key_backend=location.backend.alias,
            backend_type=location.type,
            key_id=key_id,
            plan=state.to_json(),
            issuing=intent.issuing,
        )
        work = begin_claim(ledger, claim_subject(authority_id), "being created", f"authority {intent.name!r}")
        record = ledger.authorities.get(authority_id)
        if source.existing is not None:
            record = _record_key(ledger, record, source.existing)
            check_adoptable(ledger, record.handle, record.public_key or b"", own=record.id)
        ledger.events.append("authority-begun", intent.name, key_id=key_id.hex(), key_backend=location.backend.alias)
    return work, record


def record_key(work: ClaimedWork, record: AuthorityRecord, created: CreatedKey) -> AuthorityRecord:
    """Record where the key of a pending authority is; returns the record as it is then.

    Raises:
        BusyError: Another process has taken it over.
    """
    with work.step():
        return _record_key(work.ledger, record, created)


def _record_key(ledger: Ledger, record: AuthorityRecord, created: CreatedKey) -> AuthorityRecord:
    ledger.authorities.record_key(record, handle=created.handle.to_json(), public_key=spki(created.public_key))
    return ledger.authorities.get(record.id)


def check_name(name: str) -> None:
    """Refuse a name that cannot be told from another when it is shown.

    Raises:
        InputError: It is empty, starts or ends with a blank, or contains unprintable characters.
    """
    flaws = {
        "is empty": not name,
        "starts or ends with a blank": name != name.strip(),
        "contains control characters": not name.isprintable(),
    }
    if flaw := next((flaw for flaw, found in flaws.items() if found), None):
        raise InputError(f"name: {flaw}", hint="give the authority another name")


def check_name_free(ledger: Ledger, name: str) -> None:
    """Refuse a name that an authority has; within a transaction, which is alone if the name is to be used.

    Raises:
        AuthorityExistsError: It is taken.
    """
    taken = next((found for found in ledger.authorities.all_known() if found.name == name), None)
    if taken is None:
        return
    state, hint, remedy = "exists already", "choose another name", None
    if taken.status == "pending":
        claim, current = at_work(ledger, taken)
        if current.status == "abandoned":
            return
        if claim is not None:
            state, hint = f"is {claim.description}", "wait for that process, or choose another name"
        elif current.status == "pending":
            state, hint = f"{state}, but was never completed", "finish or abandon it"
            remedy = Remedy("recovery.finish", {"authority": name})
    raise AuthorityExistsError(f"authority {name!r}: {state}", hint=hint, remedy=remedy)


def check_certificate_new(ledger: Ledger, der: bytes, own: int | None = None) -> None:
    """Refuse a certificate that another authority has, or another one of it; within a transaction that is alone.

    Args:
        ledger: Where authorities are.
        der: The certificate.
        own: Row number of the authority that is to have it.

    Raises:
        AuthorityExistsError: Names the other one.
    """
    for other in ledger.authorities.all_known():
        if other.id != own and other.certificate == der:
            raise AuthorityExistsError(
                f"certificate: is already that of the authority {other.name!r}", hint="use it under that name"
            )
    certificate = load_lenient(der)
    key: PublicKey = certificate.public_key()  # type: ignore[assignment]  # checked before
    check_authority_new(ledger, format_name(certificate.subject), key, own)


def check_authority_new(ledger: Ledger, subject: str, key: PublicKey, own: int | None = None) -> None:
    """Refuse a second authority of the same name and key, which is the same one; within a transaction that is alone.

    Each would make CRLs that are complete for the issuer and lack what the other has revoked (RFC 5280, section 5). Of
    several that are being made at once the one that began first goes on, unless another one is complete by then.

    Args:
        ledger: Where authorities are.
        subject: Distinguished name (RFC 4514).
        key: Its public key.
        own: Row number of the authority that is to have them.

    Raises:
        AuthorityExistsError: Names the other one.
    """
    name, octets = _folded(subject), spki(key)
    for other in ledger.authorities.all_known():
        began_later = own is not None and other.status == "pending" and other.id > own
        if not began_later and other.id != own and other.public_key == octets and _folded(other.subject) == name:
            with_it = ", with another certificate" if other.certificate is not None else ""
            raise AuthorityExistsError(
                f"authority {other.name!r}: already has this name and key{with_it}",
                hint="use it under that name; an authority has one certificate here",
            )


def _folded(subject: str) -> str:
    """A name without what does not tell names apart (RFC 5280, section 7.1)."""
    return " ".join(subject.casefold().split())
