"""Making certificate revocation lists: number reserved, entries put together, signed, verified, recorded.

The number, the moment and the last revocation that belongs to a list are fixed in one commit that excludes other
writers, so a list with a higher number never knows less. A list whose making was interrupted leaves a gap in the
numbers, nothing else.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.errors import AuthorityExpiredError, CertificateInvalidError, ValidityError
from anchorhold.ledger.records import CrlRecord
from anchorhold.operations.clock_correction import check_has_started, correct_revocation_dates
from anchorhold.operations.crl_contents import CrlPlan, expired_before, unsigned_crl
from anchorhold.x509.crls import entries_span
from anchorhold.x509.validity import BACKDATE, is_in_future, now, start_of_validity

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import CrlState
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.signing_key import SigningKey

CRL_LIFETIME: Final = dt.timedelta(days=7)
"""How long a list is good unless told otherwise."""


def shards_of(authority: Authority) -> tuple[int | None, ...]:
    """The lists of an authority: the one of all certificates (None), then those of its shards."""
    return (None, *range(authority.record.issuing.crl_shards or 0))


def check_may_issue_crls(authority: Authority) -> None:
    """Refuse to make lists that nobody would accept.

    Raises:
        AuthorityNotReadyError: It was never completed.
        AuthorityExpiredError: It has expired, or is not valid yet.
        CertificateInvalidError: Its certificate is not for that (RFC 5280, section 4.2.1.3).
    """
    certificate, moment = authority.certificate, now()
    check_has_started(authority, moment)
    if moment >= certificate.not_valid_after_utc:
        raise AuthorityExpiredError(
            f"authority {authority.name!r}: expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            hint="all its certificates have expired, so it needs no CRL",
        )
    try:
        may_sign = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        may_sign = True
    if not may_sign:
        raise CertificateInvalidError(
            f"authority {authority.name!r}: its certificate does not allow signing CRLs (keyUsage cRLSign)",
            hint="rely on OCSP, or have its certificate reissued",
        )


def generate_crl(
    ledger: Ledger, key: SigningKey, shard: int | None, lifetime: dt.timedelta = CRL_LIFETIME
) -> CrlRecord:
    """Make a new list.

    Args:
        ledger: Where revocations are, and the list is recorded.
        key: Of the authority; a disabled one may, for what it has signed is about.
        shard: None for all certificates; else those of that shard (RFC 5280, section 5.2.5).
        lifetime: Until the next one is due, a second or more; shortened to the authority's own.

    Raises:
        AuthorityNotReadyError: The authority was never completed.
        AuthorityExpiredError: The authority has expired, or is not valid yet.
        CertificateInvalidError: Its certificate does not allow signing CRLs (RFC 5280, section 4.2.1.3).
        ValidityError: The lifetime is less than one second.
        AnchorholdError: The key cannot be used; nothing changed but the number.
    """
    authority = key.authority
    check_may_issue_crls(authority)
    if lifetime < dt.timedelta(seconds=1):
        raise ValidityError(f"CRL lifetime: {lifetime} is too short", hint="give at least one second")
    key.open()
    plan, previous = _begin(ledger, authority, shard, lifetime)
    parts, known, unsigned = unsigned_crl(ledger, authority, plan, previous)
    before, tbs, after = key.sign_crl(unsigned, plan.facts)
    begin, end = entries_span(tbs)
    record = CrlRecord(
        shard=shard,
        number=plan.number,
        this_update=plan.this_update,
        next_update=plan.next_update,
        last_revocation_id=plan.last_revocation_id,
        expired_before=plan.expired_before,
        rewrite_count=plan.rewrite_count,
        parts=(*parts, plan.number) if begin + known < end else parts,
        chunks=(before, tbs, after),
    )
    added = memoryview(tbs)[begin + known : end]
    with ledger.transaction():
        ledger.crls.add(authority.record.id, record, head=before + tbs[:begin], entries=added, tail=tbs[end:] + after)
        ledger.events.append("crl-made", authority.record, number=record.number, shard=shard)
    return record


def _begin(
    ledger: Ledger, authority: Authority, shard: int | None, lifetime: dt.timedelta
) -> tuple[CrlPlan, CrlState | None]:
    """Take the next number, once no revocation is dated in the future; the plan, and the list before it."""
    authority_id = authority.record.id
    with ledger.transaction():
        ledger.authorities.lock(authority_id)
        moment, previous = now(), ledger.crls.state(authority_id, shard)
        seen = 0 if previous is None or is_in_future(previous.this_update, moment) else previous.last_revocation_id
        correct_revocation_dates(ledger, authority, moment, after=seen)
        number, rewrites = ledger.authorities.next_crl_number(authority_id)
        this_update, next_update = _validity(authority, moment, lifetime, previous)
        plan = CrlPlan(
            shard=shard,
            number=number,
            rewrite_count=rewrites,
            last_revocation_id=ledger.revocations.last(authority_id),
            expired_before=expired_before(previous, this_update),
            this_update=this_update,
            next_update=next_update,
        )
        ledger.events.append("crl-begun", authority.record, **plan.to_detail())
        return plan, previous


def _validity(
    authority: Authority, moment: dt.datetime, lifetime: dt.timedelta, previous: CrlState | None
) -> tuple[dt.datetime, dt.datetime]:
    """When a list begins, and until when it is good: early for clocks that are behind, and never before the last one.

    A short life begins a tenth of it early, for half of all the time must not have passed at once.
    """
    certificate = authority.certificate
    left = min(lifetime, certificate.not_valid_after_utc - moment)
    earliest = [certificate.not_valid_before_utc]
    if previous is not None and not is_in_future(previous.this_update, moment):
        earliest.append(previous.this_update)
    begins = start_of_validity(moment, min(BACKDATE, left / 10), *earliest)
    return begins, min(max(moment, begins) + lifetime, certificate.not_valid_after_utc)
