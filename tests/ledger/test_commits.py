"""How often the ledger is made durable: twice for one certificate, twice for a thousand."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from anchorhold.operations.issuer import BATCH_SIZE
from anchorhold.operations.order import Order
from anchorhold.x509.csr import load_csr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from conftest import MakeCsr

pytestmark = pytest.mark.databases("sqlite", because="SQLite traces what it is told")


@contextmanager
def _traced(installation: Installation) -> Iterator[list[str]]:
    """Every statement that SQLite runs meanwhile."""
    statements: list[str] = []
    connection = installation.ledger.database.connection()
    connection.set_trace_callback(statements.append)
    yield statements
    connection.set_trace_callback(None)


@pytest.mark.parametrize("count", [1, 1_000])
def test_a_batch_takes_exactly_two_commits(installation: Installation, make_csr: MakeCsr, count: int) -> None:
    installation.authorities.create("Root", "CN=Root")
    request = load_csr(make_csr())
    with installation.certificates.issuer("Root") as issuer, _traced(installation) as statements:
        issued = issuer.sign_many(Order(csr=request, names=[f"host{number}.example"]) for number in range(count))
    assert len(issued) == count
    assert [text for text in statements if text.split()[0] in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT")] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ] * 2
    assert len([text for text in statements if text.startswith("INSERT")]) == count
    assert len([text for text in statements if text.startswith("UPDATE")]) == count
    assert len(installation.certificates.list(limit=count + 10)) == count + 1


def test_a_longer_batch_takes_two_commits_for_each_part(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BATCH_SIZE == 1_000
    monkeypatch.setattr("anchorhold.operations.issuer.BATCH_SIZE", 10)
    installation.authorities.create("Root", "CN=Root")
    request = load_csr(make_csr())
    with installation.certificates.issuer("Root") as issuer, _traced(installation) as statements:
        assert len(issuer.sign_many(Order(csr=request, names=["a.example"]) for _ in range(25))) == 25
    assert statements.count("COMMIT") == 6


def test_an_empty_batch_neither_commits_nor_asks_for_the_key(installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root", secrets={"password": "x"})
    with installation.certificates.issuer("Root") as issuer, _traced(installation) as statements:
        assert issuer.sign_many([]) == []
    assert statements == []
