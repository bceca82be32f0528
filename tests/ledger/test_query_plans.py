"""Every query of the book of certificates, and each for a worker, uses an index, as the database's own plan says."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.ledger.certificates import ALL_VALID, CertificateFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from peewee import Database

    from anchorhold.installation import Installation
    from anchorhold.ledger import Ledger


def _sqlite_scans(database: Database, sql: str, params: Any) -> Iterable[str]:
    """Steps of SQLite's plan that look at every row, except of the index that has only open reservations."""
    # With the parameters bound as they were: a partial index is of no use to a value SQLite does not know.
    plan = [row[-1] for row in database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", params)]
    harmless = ("SEARCH", "INDEX anchorhold_certificate_open", "CORRELATED")  # the last one heads a query within
    return (step for step in plan if not any(found in step for found in harmless))


def _postgresql_scans(database: Database, sql: str, params: Any) -> Iterable[str]:
    """Steps of PostgreSQL's plan that look at every row although it was told to avoid that."""
    database.execute_sql("SET enable_seqscan = off")  # of an empty table it would read all
    plan = [row[0] for row in database.execute_sql(f"EXPLAIN {sql}", params)]
    return (step for step in plan if "Seq Scan" in step)


SCANS = {"sqlite": _sqlite_scans, "postgresql": _postgresql_scans}


@pytest.mark.parametrize(
    "ask",
    [
        lambda ledger: ledger.certificates.find("aabb"),
        lambda ledger: ledger.certificates.find("aabb", 1),
        lambda ledger: ledger.certificates.page(ALL_VALID),
        lambda ledger: ledger.certificates.page(ALL_VALID, after=10),
        lambda ledger: ledger.certificates.page(CertificateFilter(authority_id=1), after=10),
        lambda ledger: ledger.certificates.reserved(dt.datetime.now(dt.UTC)),
        lambda ledger: ledger.certificates.release(1, ["aabb"]),
        lambda ledger: ledger.certificates.abandon(1, ["aabb"]),
        lambda ledger: ledger.certificates.by_serials(1, ["aabb", "ccdd"]),
        lambda ledger: ledger.events.begun("crl-begun", 1, '"number": 7,'),
    ],
    ids=[
        "find",
        "find of one authority",
        "first page",
        "page",
        "page of one authority",
        "open",
        "release",
        "abandon",
        "several",
        "what was begun",
    ],
)
def test_every_query_uses_an_index(
    installation: Installation, database_kind: str, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Ledger], object]
) -> None:
    ledger = installation.ledger
    queries: list[tuple[str, Any]] = []
    real: Any = ledger.database.execute_sql

    def recording(sql: str, params: Any = None, **more: Any) -> Any:
        queries.append((sql, params))
        return real(sql, params, **more)

    with monkeypatch.context() as patched:
        patched.setattr(ledger.database, "execute_sql", recording)
        ask(ledger)
    asked = [
        (sql, params)
        for sql, params in queries
        if sql.startswith(("SELECT", "UPDATE", "DELETE")) and "anchorhold_" in sql
    ]
    assert asked
    for sql, params in asked:
        assert list(SCANS[database_kind](ledger.database, sql, params)) == []


@pytest.mark.databases("sqlite", because="PostgreSQL plans by how much there is")
def test_revocations_in_the_future_are_found_without_reading_the_others(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = installation.ledger
    asked: list[tuple[str, Any]] = []
    real: Any = ledger.database.execute_sql

    def recording(sql: str, params: Any = None, **more: Any) -> Any:
        asked.append((sql, params))
        return real(sql, params, **more)

    with monkeypatch.context() as patched:
        patched.setattr(ledger.database, "execute_sql", recording)
        for after in (0, 1_000):
            ledger.dates.future_revocations(1, later_than=dt.datetime.now(dt.UTC), after=after)
    assert len(asked) == 2
    for sql, params in asked:
        plan = [row[-1] for row in real(f"EXPLAIN QUERY PLAN {sql}", params)]
        assert any("anchorhold_revocation_dated (authority_id=? AND revoked_at>?)" in step for step in plan)
