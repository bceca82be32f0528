"""What is under way with an authority survives the ledger: as this release writes it, and as the one before did."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pytest

from anchorhold.operations.state import Creation, CsrPending, Import, KeyMove, KeyMoved, state_of
from anchorhold.profiles import BUILT_IN

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
MADE: dict[str, Any] = {
    "subject": "CN=A",
    "profile": BUILT_IN["root"],
    "profile_name": "root",
    "not_before": NOW,
    "not_after": NOW,
}
STATES: list[Any] = [
    Creation(**MADE, options={"path": "x"}),
    Creation(**MADE, adopted=True, abandoning=True),
    Import(certificate=b"der", options={"path": "x"}),
    CsrPending(subject="CN=A", profile=BUILT_IN["intermediate"]),
    CsrPending(subject="CN=A", profile=BUILT_IN["intermediate"], csr=b"der", adopted=True),
    KeyMove(to="two", type="db", key_id=b"\1" * 20, options={}, delete_source=True),
    KeyMove(operation="unmove", to="two", type="db", key_id=b"\1" * 20, options={"path": None}, delete_source=False),
    KeyMoved(key_backend="one", type="storages", key_id=b"\2" * 20, handle={"version": 1, "data": {"path": "k"}}),
]


def _read(plan: Any) -> Any:
    return state_of(SimpleNamespace(plan=plan))  # type: ignore[arg-type]


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_the_same_after_the_ledger(state: Any) -> None:
    assert _read(json.loads(json.dumps(state.to_json()))) == state


def test_nothing_under_way_is_no_state() -> None:
    assert _read(None) is None


def test_states_of_the_release_before_are_read() -> None:
    """It noted neither where an old key was stored under which id, nor options of imports."""
    old = {"key_backend": "one", "type": "storages", "handle": {"version": 1, "data": {}}}
    assert _read({"operation": "moved", "from": old}).key_id == b""
    created = STATES[0].to_json()
    del created["profile_name"]
    assert _read(created).profile_name == "authority"
    imported = _read({"operation": "import", "certificate": "ZGVy"})
    assert (imported.certificate, imported.options, imported.adopted, imported.abandoning) == (b"der", {}, False, False)
