"""What is refused is counted, and the first of each kind in an hour are in the history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.audit import Actor
from anchorhold.errors import SignatureNotIntendedError
from anchorhold.ledger import workers
from anchorhold.operations.worker.refusals import RECORDED
from signing_worker.away import PEER

if TYPE_CHECKING:
    from conftest import MakeCsr
    from signing_worker.away import Peers

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each counts by its own statement")


def test_a_peer_that_asks_for_ever_does_not_fill_the_history(
    peers: Peers, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = [1_000_000]
    monkeypatch.setattr(workers, "database_time", lambda _: hours[0] * 3600.0)
    forged = replace(peers.reserve(make_csr()), digest=bytes(32))
    signing = peers.worker.as_actor(PEER).signing
    found = signing.find_all_intended([forged] * (RECORDED + 5))
    assert {type(each) for each in found} == {SignatureNotIntendedError}
    assert len(peers.refusals()) == RECORDED
    assert peers.refusals()[0].detail["more"] == "counted only, for this hour"
    (count,) = peers.worker.workers.refusals()
    assert count.to_json() == {
        "peer": "peer web",
        "purpose": "certificate",
        "reason": "other-content",
        "count": RECORDED + 5,
    }
    hours[0] += 1
    signing.find_all_intended([forged])
    assert len(peers.refusals()) == RECORDED + 1
    assert [found.count for found in peers.worker.workers.refusals()] == [RECORDED + 6]
    assert [found.count for found in peers.worker.workers.refusals(hours=1)] == [1]
    hours[0] += 24 * 31
    signing.find_all_intended([forged])
    assert [found.count for found in peers.worker.workers.refusals(hours=10_000)] == [1]


def test_kinds_of_refusals_and_peers_are_counted_apart(peers: Peers, make_csr: MakeCsr) -> None:
    wanted = peers.reserve(make_csr())
    peers.worker.as_actor(PEER).signing.find_all_intended(
        [replace(wanted, digest=bytes(32)), replace(wanted, serial="7f"), wanted]
    )
    peers.worker.as_actor(Actor("peer", "desk")).signing.find_all_intended([replace(wanted, serial="7f")])
    counted = [(found.peer, found.reason, found.count) for found in peers.worker.workers.refusals()]
    assert counted == [
        ("peer desk", "not-reserved", 1),
        ("peer web", "not-reserved", 1),
        ("peer web", "other-content", 1),
    ]


def test_what_was_refused_before_it_was_looked_up_is_recorded(peers: Peers) -> None:
    peers.worker.as_actor(PEER).signing.record_refusal("certificate", "too-late", bytes(32))
    peers.worker.as_actor(PEER).signing.record_refusal("unknown", "other-key")
    late, key = reversed(peers.refusals())
    assert late.detail == {"purpose": "certificate", "reason": "too-late", "sha256": "00" * 32}
    assert key.detail == {"purpose": "unknown", "reason": "other-key"}


def test_words_of_a_peer_do_not_reach_the_history(peers: Peers, make_csr: MakeCsr) -> None:
    wanted = peers.reserve(make_csr())
    strange: Any = "a purpose"
    for forged in (
        replace(wanted, serial="no serial number"),
        replace(wanted, serial="\x00"),
        replace(wanted, serial="7f" * 5000),
        replace(wanted, serial=""),
        replace(wanted, purpose=strange),
        replace(wanted, digest=bytes(10**6)),
    ):
        with pytest.raises(SignatureNotIntendedError) as refused:
            peers.sign(forged)
        assert len(str(refused.value)) < 200
    assert max(len(str(event.detail)) for event in peers.refusals()) < 250
    *strangers, no_purpose, no_digest = reversed(peers.refusals())
    assert [("serial" in event.detail, event.detail["purpose"]) for event in strangers] == [(False, "certificate")] * 4
    assert no_purpose.detail["purpose"] == "unknown"
    assert "sha256" not in no_digest.detail
