"""A list of many entries is made with little memory beside that of the list itself."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold.ledger import revocations
from anchorhold.ledger.schema import to_timestamp
from anchorhold.operations import crls
from anchorhold.x509.crl_entries import crl_entry

if TYPE_CHECKING:
    from anchorhold import Authority
    from anchorhold.installation import Installation

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each joins entries in its own way")
COLUMNS = ("authority_id", "certificate_id", "serial", "revoked_at", "reason", "not_after", "entry")
MANY = 100_000
COPIES = 2.4
"""Of a list that are held at once: its entries in pieces beside the whole of it, and a little more."""


def _revoke(installation: Installation, authority: Authority, first: int, count: int) -> None:
    """Revocations as the ledger has them; their certificates are not needed for a list."""
    ledger, now = installation.ledger, dt.datetime.now(dt.UTC)
    ends, begun = to_timestamp(now + dt.timedelta(days=1)), to_timestamp(now)
    marks = ", ".join([ledger.database.param] * len(COLUMNS))
    statement = f"INSERT INTO anchorhold_revocation ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608
    with ledger.transaction():
        ledger.database.cursor().executemany(
            statement,
            [
                (authority.record.id, number, "", begun, "superseded", ends, crl_entry(serial, now, "superseded", None))
                for number, serial in enumerate(range((first + 1) << 150, (first + 1 + count) << 150, 1 << 150), first)
            ],
        )


def _made(installation: Installation, authority: Authority) -> bytes:
    with installation.keys.get(authority) as key:
        return crls.generate_crl(installation.ledger, key, None).der


def test_a_first_list_holds_its_entries_little_more_than_twice(installation: Installation) -> None:
    authority = installation.authorities.create("Root", "CN=Root")
    _made(installation, authority)  # what is imported is no part of it
    _revoke(installation, authority, 0, MANY)
    with installation.keys.get(authority) as key:
        key.open()
        tracemalloc.start()
        try:
            made = crls.generate_crl(installation.ledger, key, None)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    size = sum(map(len, made.chunks))
    assert len(x509.load_der_x509_crl(made.der)) == MANY
    assert peak < COPIES * size


def test_entries_that_are_read_in_several_steps_are_all_there_and_once(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row numbers of an authority are neither the first ones nor without gaps."""
    monkeypatch.setattr(revocations, "_JOINED_AT_ONCE", 4)
    one, other = (installation.authorities.create(name, f"CN={name}") for name in ("One", "Other"))
    serials: dict[str, list[int]] = {"One": [], "Other": []}
    for first, count, authority in ((0, 5, one), (5, 13, other), (18, 2, one), (20, 1, other), (21, 9, one)):
        _revoke(installation, authority, first, count)
        serials[authority.name] += [number << 150 for number in range(first + 1, first + count + 1)]
    for authority in (one, other):
        made = x509.load_der_x509_crl(_made(installation, authority))
        assert sorted(entry.serial_number for entry in made) == serials[authority.name]
