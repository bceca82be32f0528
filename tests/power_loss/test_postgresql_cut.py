"""PostgreSQL, whose log is cut back to what was flushed: what was handed out is in the ledger that is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from combinations import ALL
from power_loss.write_ahead_log import cut_back, flushed_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="each test has a cluster that syncs, which others do not")
ISSUING = Path(__file__).with_name("issuing.py")
CUTS = 10 if ALL else 2


@pytest.fixture
def synced(tmp_path: Path, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster that syncs as a real one does, with a ledger that has an authority."""
    with flushed_cluster() as running:
        monkeypatch.setenv("ANCHORHOLD_DATABASE", running.url)
        subprocess.run([sys.executable, "-m", "anchorhold", "init-ca", "Root", "CN=Root"], check=True)
        (tmp_path / "request.pem").write_bytes(make_csr())
        yield running


def _missing(cluster: Cluster, tmp_path: Path, *how: str) -> set[str]:
    """Serial numbers that were handed out, and that the ledger does not know after the loss."""
    handed_out, missing = tmp_path / "handed-out", set()
    chance = random.Random(1)  # noqa: S311  # when to stop
    for _ in range(CUTS):
        child = subprocess.Popen(
            [sys.executable, ISSUING, "1000000", *how],
            env=os.environ | {"ANCHORHOLD_HANDED_OUT": str(handed_out)},
            cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        )
        try:
            begun = _lines(handed_out)
            while len(_lines(handed_out)) < len(begun) + 5:
                assert child.poll() is None
                time.sleep(0.01)
            time.sleep(chance.random() / 20)
            child.send_signal(signal.SIGSTOP)
            told = set(_lines(handed_out))
            cut_back(cluster)
        finally:
            child.kill()
            child.wait()
        cluster.start()
        missing |= told - _issued(cluster)
    return missing


def _lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _issued(cluster: Cluster) -> set[str]:
    with psycopg.connect(cluster.url) as connection:
        rows = connection.execute("SELECT serial FROM anchorhold_certificate WHERE status = 'issued' AND tbs IS NULL")
        return {serial for (serial,) in rows.fetchall()}


def test_what_was_handed_out_is_there(synced: Cluster, tmp_path: Path) -> None:
    """The second commit flushes the log up to its own end, and so the reservation before it."""
    assert not _missing(synced, tmp_path)


def test_a_loss_is_found_in_a_log_where_there_is_one(synced: Cluster, tmp_path: Path) -> None:
    """If neither commit were flushed, certificates that were handed out would be gone."""
    assert _missing(synced, tmp_path, "unsynced")
