"""Making certificate revocation lists: number reserved, entries put together, signed, verified, recorded.

The number, the moment and the last revocation that belongs to a list are fixed in one commit that excludes other
writers, so a list with a higher number never knows less. A list whose making was interrupted leaves a gap in the
numbers, nothing else.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.errors import AuthorityExpiredError, CertificateInvalidError, ValidityError
from anchorhold.ledger.records import CrlRecord
from anchorhold.ledger.schema import to_timestamp
from anchorhold.operations.clock_correction import check_has_started, correct_revocation_dates
from anchorhold.plugin.facts import CrlFacts
from anchorhold.x509.crls import CrlDraft, entries_span, tbs_cert_list
from anchorhold.x509.validity import BACKDATE, is_in_future, now, start_of_validity

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import CrlState
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.signing_key import SigningKey

CRL_LIFETIME: Final = dt.timedelta(days=7)
"""How long a list is good unless told otherwise."""
MAX_PARTS: Final = 50
"""Lists that may have brought entries; then they are read again and become one part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _CrlPlan:
    """What is fixed when the number of a list is taken.

    Attributes:
        shard: Which list.
        number: Its number.
        rewrite_count: How often entries had been changed or taken back.
        last_revocation_id: Row number of the last revocation.
        this_update: When it begins.
        next_update: Until when it is good.
        previous: The list before it.
    """

    shard: int | None
    number: int
    rewrite_count: int
    last_revocation_id: int
    this_update: dt.datetime
    next_update: dt.datetime
    previous: CrlState | None

    @property
    def expired_before(self) -> int:
        """Certificates that expired before this moment (seconds since 1970) are left out.

        They were on the list before (RFC 5280, section 3.3). One that is dated in the future does not count, because
        nobody takes it: what it has stays for another one, or all if it was not the first of its kind.
        """
        if self.previous is None:
            return 0
        begun, latest = self.previous.this_update, to_timestamp(self.this_update)
        if begun <= self.this_update:
            return to_timestamp(begun)
        return self.previous.expired_before if self.previous.expired_before <= latest else 0


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
    basis = _begin(ledger, authority, shard, lifetime)
    draft = CrlDraft(
        issuer=authority.certificate,
        number=basis.number,
        this_update=basis.this_update,
        next_update=basis.next_update,
        distribution_points=() if shard is None else authority.issuing.crl_urls_of(shard),
    )
    parts, known, unsigned = _unsigned(ledger, authority, basis, draft)
    facts = CrlFacts(number=draft.number, shard=shard, this_update=draft.this_update, next_update=draft.next_update)
    before, tbs, after = key.sign_crl(unsigned, facts)
    begin, end = entries_span(tbs)
    record = CrlRecord(
        shard=shard,
        number=basis.number,
        this_update=draft.this_update,
        next_update=draft.next_update,
        last_revocation_id=basis.last_revocation_id,
        expired_before=basis.expired_before,
        rewrite_count=basis.rewrite_count,
        parts=(*parts, basis.number) if begin + known < end else parts,
        chunks=(before, tbs, after),
    )
    added = memoryview(tbs)[begin + known : end]
    with ledger.transaction():
        ledger.crls.add(authority.record.id, record, head=before + tbs[:begin], entries=added, tail=tbs[end:] + after)
        ledger.events.append("crl-made", authority.record, number=record.number, shard=shard)
    return record


def _begin(ledger: Ledger, authority: Authority, shard: int | None, lifetime: dt.timedelta) -> _CrlPlan:
    """Take the next number, once no revocation is dated in the future."""
    authority_id = authority.record.id
    with ledger.transaction():
        ledger.authorities.lock(authority_id)
        moment, previous = now(), ledger.crls.state(authority_id, shard)
        seen = 0 if previous is None or is_in_future(previous.this_update, moment) else previous.last_revocation_id
        correct_revocation_dates(ledger, authority, moment, after=seen)
        number, rewrites = ledger.authorities.next_crl_number(authority_id)
        this_update, next_update = _validity(authority, moment, lifetime, previous)
        last = ledger.revocations.last(authority_id)
        ledger.events.append(
            "crl-begun",
            authority.record,
            number=number,
            shard=shard,
            last_revocation=last,
            this_update=to_timestamp(this_update),
            next_update=to_timestamp(next_update),
        )
        return _CrlPlan(
            shard=shard,
            number=number,
            rewrite_count=rewrites,
            last_revocation_id=last,
            this_update=this_update,
            next_update=next_update,
            previous=previous,
        )


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


def _unsigned(
    ledger: Ledger, authority: Authority, basis: _CrlPlan, draft: CrlDraft
) -> tuple[tuple[int, ...], int, bytes]:
    """Parts of the previous list, how many octets of entries these have, and the TBSCertList.

    Its entries are held in pieces only here, not while it is signed and recorded.
    """
    parts, known, added = _entries(ledger, authority.record.id, basis)
    tbs = tbs_cert_list(draft, [*known, *added], authority.public_key, authority.algorithm)
    return parts, sum(map(len, known)), tbs


def _entries(ledger: Ledger, authority_id: int, basis: _CrlPlan) -> tuple[tuple[int, ...], list[bytes], list[bytes]]:
    """Parts of the previous list and what is in them, and entries that came after it; or all entries, read again."""
    shard, upto, floor, previous = basis.shard, basis.last_revocation_id, basis.expired_before, basis.previous
    with ledger.translate_errors():
        book = ledger.revocations
        if previous is not None and not _is_outdated(ledger, authority_id, basis, previous):
            known = ledger.crls.entries(authority_id, previous.parts)
            if known is not None:
                added = book.entries(
                    authority_id,
                    shard=shard,
                    after=previous.last_revocation_id,
                    last_revocation_id=upto,
                    expired_before=floor,
                )
                return previous.parts, known, list(added)
        every = book.entries(authority_id, shard=shard, after=0, last_revocation_id=upto, expired_before=floor)
        return (), [], list(every)


def _is_outdated(ledger: Ledger, authority_id: int, basis: _CrlPlan, previous: CrlState) -> bool:
    """Whether the next list cannot have the entries of this one: some were changed, released, or have expired."""
    return (
        previous.rewrite_count != basis.rewrite_count
        or len(previous.parts) >= MAX_PARTS
        or basis.expired_before
        < previous.expired_before  # the clock was put back, and some that were left out have not expired at all
        or ledger.revocations.any_expired(authority_id, since=previous.expired_before, before=basis.expired_before)
    )
