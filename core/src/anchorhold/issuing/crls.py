"""Making certificate revocation lists: number reserved, entries put together, signed, verified, recorded.

The number and the last revocation that belongs to a list are fixed in one commit that excludes other writers, so a list
with a higher number never knows less. A list whose making was interrupted leaves a gap in the numbers, nothing else.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from anchorhold.ledger.records import CrlRecord, seconds
from anchorhold.x509.crls import CrlDraft, entries_of, tbs_cert_list
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from anchorhold.issuing.key import AuthorityKey
    from anchorhold.ledger import Ledger

LIFETIME: Final = dt.timedelta(days=7)
"""How long a list is good unless told otherwise."""


def shards_of(key: AuthorityKey) -> tuple[int | None, ...]:
    """The lists of an authority: the one of all certificates (None), then those of its shards."""
    return (None, *range(key.authority.record.issuing.crl_shards or 0))


def generate_crl(ledger: Ledger, key: AuthorityKey, shard: int | None, lifetime: dt.timedelta = LIFETIME) -> CrlRecord:
    """Make a new list.

    Args:
        ledger: Where revocations are, and the list is recorded.
        key: Of the authority.
        shard: None for all certificates; else those of that shard (RFC 5280, section 5.2.5).
        lifetime: Until the next one is due; shortened to the authority's own.

    Raises:
        AnchorholdError: The key cannot be used; nothing changed but the number.
    """
    authority = key.authority
    authority_id, issuing = authority.record.id, authority.issuing
    key.open()
    with ledger.transaction():
        number, rewrites = ledger.authorities.next_crl_number(authority_id)
        upto = ledger.revocations.last(authority_id)
        previous = ledger.crls.last(authority_id, shard)
    this_update = now() if previous is None else max(now(), previous.this_update)
    floor = 0 if previous is None else seconds(previous.this_update)
    draft = CrlDraft(
        issuer=authority.certificate,
        number=number,
        this_update=this_update,
        next_update=min(this_update + lifetime, authority.certificate.not_valid_after_utc),
        distribution_points=() if shard is None else issuing.crl_urls_of(shard),
    )
    entries = _entries(ledger, authority_id, shard, upto, floor, rewrites, previous)
    der = key.sign_crl(tbs_cert_list(draft, entries, authority.public_key, authority.algorithm))
    record = CrlRecord(
        shard=shard,
        number=number,
        this_update=this_update,
        next_update=draft.next_update,
        upto=upto,
        floor=floor,
        rewrites=rewrites,
        der=der,
    )
    with ledger.transaction():
        ledger.crls.add(authority_id, record)
        ledger.events.append("crl-made", authority.name, number=number, shard=shard)
    return record


def _entries(
    ledger: Ledger,
    authority_id: int,
    shard: int | None,
    upto: int,
    floor: int,
    rewrites: int,
    previous: CrlRecord | None,
) -> bytes:
    """Those of the previous list and what came after it; or all anew, if some were changed, released or expired.

    An entry stays until it was on a list made after its certificate had expired (section 3.3).
    """
    with ledger.guarded():
        book = ledger.revocations
        if (
            previous is None
            or previous.rewrites != rewrites
            or book.any_expired(authority_id, since=previous.floor, before=floor)
        ):
            return book.entries(authority_id, shard=shard, after=0, upto=upto, floor=floor)
        newer = book.entries(authority_id, shard=shard, after=previous.upto, upto=upto, floor=floor)
        return entries_of(previous.der) + newer
