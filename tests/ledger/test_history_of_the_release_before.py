"""What the release before has recorded, or records while this one runs: it knew names only, and no actors."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold.installation import open_installation
from anchorhold.ledger.audits import HistoryFilter

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger

BEFORE: Final = (
    "DROP INDEX anchorhold_event_begun",
    "DROP INDEX anchorhold_event_authority",
    "DROP INDEX anchorhold_event_serial",
    *(
        f"ALTER TABLE anchorhold_{table} DROP COLUMN {column}"
        for table, more in (("event", ("authority_id", "serial")), ("certificate", ()))
        for column in (*more, "actor_kind", "actor_name", "actor_origin", "correlation_id")
    ),
    *(f"DROP TABLE anchorhold_{table}" for table in ("request", "worker", "signature_refusal")),
    "DROP INDEX anchorhold_revocation_dated",
    "DELETE FROM anchorhold_migration WHERE substr(name, 1, 4) IN ('0005', '0006', '0007')",
)
"""Makes the tables of the release before."""

EVENTS: Final[tuple[tuple[str, str, dict[str, Any], str | None], ...]] = (
    ("authority-begun", "A", {"key_id": "gone"}, "gone"),
    ("authority-abandoned", "A", {"key_id": "gone"}, "gone"),
    ("authority-begun", "A", {"key_id": "first"}, "first"),
    ("authority-created", "A", {"serial": "aa"}, "first"),
    ("authority-edited", "B", {"before": "A", "status": None}, "first"),
    ("authority-begun", "A", {"key_id": "second"}, "second"),
    ("certificate-revoked", "A", {"reason": "superseded", "serial": "bb"}, "second"),
    ("authority-edited", "A", {"before": "A", "status": "disabled"}, "second"),
    ("authority-edited", "C", {"before": "A", "status": None}, "second"),
    ("authority-edited", "A", {"before": "B", "status": None}, "first"),
    ("crl-made", "A", {"number": 1, "shard": None}, "first"),
    ("authority-edited", "D", {"before": "C", "status": None}, "second"),
    ("crl-made", "nobody's", {"number": 1, "shard": None}, None),
)
"""Kind, name, detail (a key id is that of the authority called so), and the authority it is about."""
NAMES: Final = {"gone": "A", "first": "A", "second": "D"}
"""Of the authorities at the end; the first one was abandoned."""
REFUSED: Final = ("NULL", "''", "'\x1b[31m'", f"'{'x' * 300}'")
"""As SQL."""


def _execute(ledger: Ledger, *statements: str) -> None:
    with ledger.transaction():
        for statement in statements:
            ledger.database.execute_sql(statement)


def _record(ledger: Ledger, kind: str, name: str, detail: dict[str, Any]) -> None:
    """As the release before does."""
    mark = ledger.database.param
    statement = f"INSERT INTO anchorhold_event (at, kind, authority, detail) VALUES (5, {mark}, {mark}, {mark})"  # noqa: S608
    with ledger.transaction():
        ledger.database.execute_sql(statement, (kind, name, json.dumps(detail, sort_keys=True)))


@pytest.fixture
def rows(database: str) -> dict[str | None, int | None]:
    """A ledger that the release before has left, and the row numbers of its authorities."""
    with open_installation() as ca:
        for name in NAMES:
            ca.authorities.create(name, f"CN={name}")
        records = {found.name: found.record for found in ca.authorities.list()}
        _execute(ca.ledger, "DELETE FROM anchorhold_event", *BEFORE)
        _execute(ca.ledger, "UPDATE anchorhold_authority SET status = 'abandoned' WHERE name = 'gone'")
        for old, new in NAMES.items():
            _execute(ca.ledger, f"UPDATE anchorhold_authority SET name = '{new}' WHERE name = '{old}'")  # noqa: S608
        for kind, name, detail, _ in EVENTS:
            own = {key: records[value].key_id.hex() if key == "key_id" else value for key, value in detail.items()}
            _record(ca.ledger, kind, name, own)
    return {None: None, **{name: record.id for name, record in records.items()}}


def test_each_event_finds_its_authority_through_all_its_names(rows: dict[str | None, int | None]) -> None:
    with open_installation() as ca:
        found = ca.ledger.database.execute_sql("SELECT authority_id, serial FROM anchorhold_event ORDER BY id")
        assert found.fetchall() == [(rows[owner], detail.get("serial")) for _, _, detail, owner in EVENTS]
        kinds = [entry.kind for entry in ca.history.entries("D") if entry.at.year == 1970]
        assert kinds == [kind for kind, _, _, owner in reversed(EVENTS) if owner == "second"]
        assert {entry.audit for entry in ca.history.entries()} == {None}


def test_what_a_process_of_the_release_before_records_beside_is_shown(rows: dict[str | None, int | None]) -> None:
    with open_installation() as ca:
        _record(ca.ledger, "certificate-revoked", "D", {"reason": "superseded", "serial": "cc"})
        _record(ca.ledger, "crl-made", "A", {"number": 2, "shard": None})
        assert [e.kind for e in ca.history.entries("D")].count("certificate-revoked") == 2
        assert [e.kind for e in ca.history.entries(wanted=HistoryFilter(serial="cc"))] == ["certificate-revoked"]
        assert [e.kind for e in ca.history.entries(wanted=HistoryFilter(serial="dd"))] == []


def test_an_actor_that_this_release_would_refuse_is_shown(database: str) -> None:
    with open_installation() as ca:
        ca.authorities.create("Root", "CN=Root")
        for column, value in product(("actor_name", "actor_origin", "correlation_id"), REFUSED):
            for table in ("event", "certificate"):
                _execute(ca.ledger, f"UPDATE anchorhold_{table} SET {column} = {value}")  # noqa: S608
            shown = [str(entry.audit) for entry in ca.history.entries()]
            assert len(shown) == 3
            assert all(text.isprintable() for text in shown)
