"""What has to be renewed before it runs out: CRLs and OCSP responders; once, also when several look after it."""

from __future__ import annotations

import datetime as dt
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from anchorhold.issuing.crls import LIFETIME, generate_crl, shards_of
from anchorhold.issuing.responders import is_due, renew_responder, sweep_responders
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.key import AuthorityKey
    from anchorhold.issuing.responders import OcspPlace
    from anchorhold.ledger import Ledger
    from anchorhold.settings import ProfileSettings

LEASE: Final = dt.timedelta(minutes=10)
"""How long a process has an authority to itself; others go on after it, should it die."""


def maintain(
    ledger: Ledger,
    key: AuthorityKey,
    places: Callable[[str], OcspPlace],
    profile: ProfileSettings,
    lifetime: dt.timedelta = LIFETIME,
) -> list[str]:
    """Renew what is due for an authority, unless somebody else is at it.

    Args:
        ledger: Where it is recorded.
        key: Of the authority; used only if something is due.
        places: From an alias of ``ocsp_key_backends`` to its place.
        profile: What certificates of responders are like.
        lifetime: Of CRLs.

    Returns:
        What was done, in words.

    Raises:
        AnchorholdError: Something could not be renewed; what came before it was.
    """
    authority = key.authority
    with _leased(ledger, authority) as mine:
        if not mine:
            return []
        done = []
        destroyed = sweep_responders(ledger, authority, places)
        if destroyed:
            done.append(f"destroyed {destroyed} old responder keys")
        if is_due(ledger, authority):
            done.append(f"new responder {renew_responder(ledger, key, places, profile).serial}")
        for shard in shards_of(key):
            if is_crl_due(ledger, authority, shard):
                done.append(f"CRL number {generate_crl(ledger, key, shard, lifetime).number}")
        return done


def is_crl_due(ledger: Ledger, authority: Authority, shard: int | None) -> bool:
    """Whether a list was never made, knows less than it should, or has lived half of its time."""
    authority_id = authority.record.id
    with ledger.guarded():
        last = ledger.crls.last(authority_id, shard)
        if last is None or last.rewrites != ledger.authorities.rewrites(authority_id):
            return True
        if ledger.revocations.any_after(authority_id, shard=shard, after=last.upto):
            return True
    return now() >= last.this_update + (last.next_update - last.this_update) / 2


@contextmanager
def _leased(ledger: Ledger, authority: Authority) -> Iterator[bool]:
    """Whether this process has the authority to itself."""
    holder, moment = secrets.token_hex(8), now()
    with ledger.transaction():
        mine = ledger.leases.take(authority.record.id, holder, moment, moment + LEASE)
    try:
        yield mine
    finally:
        if mine:
            with ledger.transaction():
                ledger.leases.give_back(authority.record.id, holder)
