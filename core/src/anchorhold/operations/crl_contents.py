"""What a revocation list says: its plan, fixed in the commit that takes its number, and the octets that follow from it.

They follow from the ledger alone, so another process that reads it comes to the same octets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from anchorhold.ledger.schema import from_timestamp, to_timestamp
from anchorhold.plugin.facts import CrlFacts
from anchorhold.x509.crls import CrlDraft, tbs_cert_list

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from anchorhold.ledger import Ledger
    from anchorhold.ledger.records import CrlState
    from anchorhold.operations.authority import Authority

MAX_PARTS: Final = 50
"""Lists that may have brought entries; then they are read again and become one part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlPlan:
    """What is fixed when the number of a list is taken.

    Attributes:
        shard: Which list.
        number: Its number.
        rewrite_count: How often entries had been changed or taken back.
        last_revocation_id: Row number of the last revocation.
        expired_before: Certificates that expired before this moment (seconds since 1970) are left out.
        this_update: When it begins.
        next_update: Until when it is good.
    """

    shard: int | None
    number: int
    rewrite_count: int
    last_revocation_id: int
    expired_before: int
    this_update: dt.datetime
    next_update: dt.datetime

    @property
    def facts(self) -> CrlFacts:
        """What plugins are told."""
        return CrlFacts(
            number=self.number, shard=self.shard, this_update=self.this_update, next_update=self.next_update
        )

    def to_detail(self) -> dict[str, Any]:
        """The detail of its event."""
        return {
            "number": self.number,
            "shard": self.shard,
            "rewrite_count": self.rewrite_count,
            "last_revocation": self.last_revocation_id,
            "expired_before": self.expired_before,
            "this_update": to_timestamp(self.this_update),
            "next_update": to_timestamp(self.next_update),
        }

    @classmethod
    def of_detail(cls, detail: Mapping[str, Any]) -> Self:
        """The opposite of `to_detail`."""
        return cls(
            number=detail["number"],
            shard=detail["shard"],
            rewrite_count=detail["rewrite_count"],
            last_revocation_id=detail["last_revocation"],
            expired_before=detail["expired_before"],
            this_update=from_timestamp(detail["this_update"]),
            next_update=from_timestamp(detail["next_update"]),
        )


def expired_before(previous: CrlState | None, this_update: dt.datetime) -> int:
    """Certificates that expired before this moment (seconds since 1970) are left out of the next list.

    They were on the list before (RFC 5280, section 3.3). One that is dated in the future does not count, because
    nobody takes it: what it has stays for another one, or all if it was not the first of its kind.

    Args:
        previous: The list before it.
        this_update: When it begins.
    """
    if previous is None:
        return 0
    begun, latest = previous.this_update, to_timestamp(this_update)
    if begun <= this_update:
        return to_timestamp(begun)
    return previous.expired_before if previous.expired_before <= latest else 0


def unsigned_crl(
    ledger: Ledger, authority: Authority, plan: CrlPlan, previous: CrlState | None
) -> tuple[tuple[int, ...], int, bytes]:
    """What is signed.

    Its entries are held in pieces only here, not while it is signed and recorded.

    Args:
        ledger: Where revocations are.
        authority: Whose list.
        plan: What was fixed.
        previous: A list of the same kind with a lower number; its entries are not read again.

    Returns:
        Parts of the previous list that it shares, how many octets of entries these have, and the TBSCertList, in DER.
    """
    draft = CrlDraft(
        issuer=authority.certificate,
        number=plan.number,
        this_update=plan.this_update,
        next_update=plan.next_update,
        distribution_points=() if plan.shard is None else authority.issuing.crl_urls_of(plan.shard),
    )
    parts, known, added = _entries(ledger, authority.record.id, plan, previous)
    tbs = tbs_cert_list(draft, [*known, *added], authority.public_key, authority.algorithm)
    return parts, sum(map(len, known)), tbs


def _entries(
    ledger: Ledger, authority_id: int, plan: CrlPlan, previous: CrlState | None
) -> tuple[tuple[int, ...], list[bytes], list[bytes]]:
    """Parts of the previous list and what is in them, and entries that came after it; or all entries, read again."""
    shard, upto, floor = plan.shard, plan.last_revocation_id, plan.expired_before
    with ledger.translate_errors():
        book = ledger.revocations
        if previous is not None and not _is_outdated(ledger, authority_id, plan, previous):
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


def _is_outdated(ledger: Ledger, authority_id: int, plan: CrlPlan, previous: CrlState) -> bool:
    """Whether the next list cannot have the entries of this one: some were changed, released, or have expired."""
    return (
        previous.rewrite_count != plan.rewrite_count
        or len(previous.parts) >= MAX_PARTS
        or plan.expired_before
        < previous.expired_before  # the clock was put back, and some that were left out have not expired at all
        or ledger.revocations.any_expired(authority_id, since=previous.expired_before, before=plan.expired_before)
    )
