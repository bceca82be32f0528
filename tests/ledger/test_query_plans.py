"""Every query of the book of certificates uses an index, as SQLite's own plan says."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.installation import Installation
    from anchorhold.ledger import Ledger


@pytest.mark.parametrize(
    "ask",
    [
        lambda ledger: ledger.certificates.find("aabb"),
        lambda ledger: ledger.certificates.find("aabb", 1),
        lambda ledger: ledger.certificates.page(),
        lambda ledger: ledger.certificates.page(after=10),
        lambda ledger: ledger.certificates.page(authority_id=1, after=10),
        lambda ledger: ledger.certificates.reserved(dt.datetime.now(dt.UTC)),
        lambda ledger: ledger.certificates.release(1, ["aabb"]),
        lambda ledger: ledger.certificates.abandon(1, ["aabb"]),
    ],
    ids=["find", "find of one authority", "first page", "page", "page of one authority", "open", "release", "abandon"],
)
def test_every_query_uses_an_index(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Ledger], object]
) -> None:
    ledger = installation.ledger
    queries: list[tuple[str, Any]] = []
    real: Any = ledger.database.execute_sql

    def recording(sql: str, params: Any = None, *more: Any) -> Any:
        queries.append((sql, params))
        return real(sql, params, *more)

    monkeypatch.setattr(ledger.database, "execute_sql", recording)
    ask(ledger)
    asked = [(sql, params) for sql, params in queries if "anchorhold_certificate" in sql]
    assert asked
    for sql, params in asked:
        # With the parameters bound as they were: a partial index is of no use to a value SQLite does not know.
        plan = [row[-1] for row in real(f"EXPLAIN QUERY PLAN {sql}", params)]
        assert [step for step in plan if "SEARCH" not in step and "INDEX anchorhold_certificate_open" not in step] == []
