"""Counters are summed over workers and never go back, whatever becomes of a worker or of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold_server.metrics import Metrics

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.databases(because="no ledger is opened")

GOOD = 'anchorhold_ocsp_responses_total{outcome="good"}'
HITS = "anchorhold_ocsp_cache_hits_total"


def values(metrics: Metrics) -> dict[str, float]:
    """What a scraper reads."""
    text, _ = metrics.exposition([], "")
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_what_a_worker_that_died_has_counted_stays(tmp_path: Path) -> None:
    dead, alive = Metrics(tmp_path), Metrics(tmp_path)  # in one process, so a process number that came again
    for worker, count in ((dead, 2), (alive, 3)):
        worker.ocsp_responses.labels("good").inc(count)
        worker.write()
    del dead
    assert values(alive)[GOOD] == 5
    assert values(Metrics(tmp_path))[GOOD] == 5


def test_counters_that_a_system_has_tidied_away_are_written_again(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "runtime")
    metrics.cache_hits.inc()
    metrics.write()
    for file in (tmp_path / "runtime").iterdir():
        file.unlink()
    (tmp_path / "runtime").rmdir()
    assert values(metrics)[HITS] == 1


def test_counters_start_at_zero_and_say_nothing_of_when_they_were_created(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.signatures.labels("default", "root")
    found = values(metrics)
    assert found[HITS] == 0
    assert found['anchorhold_signatures_total{backend="default",ca="root"}'] == 0
    assert not [name for name in found if "_created" in name]
