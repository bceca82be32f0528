"""Ledgers that are filled quickly: rows of copies of one certificate, as issuing writes them."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING

from anchorhold.ledger import Reservation

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger

CHUNK = 10_000
"""Rows to a transaction."""
LIFETIME = dt.timedelta(days=90)


def add_copies(ledger: Ledger, authority_id: int, der: bytes, count: int) -> list[str]:
    """Add certificates that are copies of one but for their serial numbers; these, in hex.

    Args:
        ledger: Where they are added.
        authority_id: Row number of the authority that has issued them.
        der: The certificate.
        count: How many.
    """
    now, serials = dt.datetime.now(dt.UTC), list[str]()
    for begin in range(0, count, CHUNK):
        intents = [_reservation(now, der) for _ in range(min(CHUNK, count - begin))]
        with ledger.transaction():
            ledger.certificates.reserve(authority_id, intents)
            ledger.certificates.complete(authority_id, [(intent.serial, der) for intent in intents])
        serials += [intent.serial for intent in intents]
    return serials


def _reservation(now: dt.datetime, der: bytes) -> Reservation:
    return Reservation(
        serial=f"{(1 << 158) | secrets.randbits(158):x}",
        profile="webserver",
        subject="CN=www.example.com",
        names=("DNS:www.example.com",),
        not_before=now,
        not_after=now + LIFETIME,
        tbs=der,
    )
