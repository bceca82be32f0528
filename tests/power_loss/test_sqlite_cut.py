"""SQLite, cut at every write: what was handed out is in the ledger that is left.

The first of two commits is not synced where a key in this process's memory signs; see `anchorhold.databases.ordered`.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from combinations import ALL
from power_loss.lossy_disk import LossyFile, recorder, steps_in

if TYPE_CHECKING:
    from conftest import Command, MakeCsr

pytestmark = [
    pytest.mark.databases("sqlite", because="PostgreSQL's log is cut in test_postgresql_cut"),
    pytest.mark.skipif(sys.platform != "linux", reason="calls are recorded by a library that is preloaded"),
]
CERTIFICATES = 50 if ALL else 5
ISSUING = Path(__file__).with_name("issuing.py")


@pytest.fixture
def ledger(anchorhold: Command, make_csr: MakeCsr, ca_dir: Path, tmp_path: Path) -> Path:
    """The ledger of an authority that nobody has open."""
    anchorhold("init-ca", "Root", "CN=Root")
    (tmp_path / "request.pem").write_bytes(make_csr())
    return ca_dir / "ledger.sqlite3"


def _missing(ledger: Path, tmp_path: Path, *how: str, chance: random.Random | None = None) -> tuple[int, set[str]]:
    """Cuts that were tried, and serial numbers that were handed out and that a ledger which was left does not know."""
    before = {ledger: ledger.read_bytes()}
    record, handed_out = tmp_path / "record", ledger.with_name("handed-out")
    environment = os.environ | {
        "LD_PRELOAD": str(recorder(tmp_path)),
        "ANCHORHOLD_RECORDED": str(ledger.parent),
        "ANCHORHOLD_RECORD": str(record),
        "ANCHORHOLD_HANDED_OUT": str(handed_out),
    }
    command = (sys.executable, str(ISSUING), str(CERTIFICATES), *how)
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = {path: LossyFile(bytearray(content)) for path, content in before.items()}
    told: list[str] = []
    cuts, missing = 0, set()
    for step in steps_in(record):
        if step.path == handed_out:
            told.append(step.data.decode().strip())
        else:
            files.setdefault(step.path, LossyFile()).take(step)
        cuts += 1
        missing |= set(told) - _issued(files, ledger, tmp_path / "left", chance)
    assert len(told) == CERTIFICATES
    return cuts, missing


def _issued(files: dict[Path, LossyFile], ledger: Path, folder: Path, chance: random.Random | None) -> set[str]:
    """The serial numbers that are issued in what is left of the ledger, which is whole."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for path in (ledger, ledger.with_name(f"{ledger.name}-wal")):
        if path in files:
            (folder / path.name).write_bytes(files[path].after_loss(chance))
    with closing(sqlite3.connect(folder / ledger.name)) as left:
        assert left.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        rows = left.execute("SELECT serial FROM anchorhold_certificate WHERE status = 'issued' AND tbs IS NULL")
        return {serial for (serial,) in rows}


def test_what_was_handed_out_is_there_when_all_that_was_not_synced_is_lost(ledger: Path, tmp_path: Path) -> None:
    """Each certificate was made durable by its second commit, and its reservation with it."""
    cuts, missing = _missing(ledger, tmp_path)
    assert not missing
    assert cuts > 4 * CERTIFICATES  # a write for each commit at the very least, and each certificate handed out


@pytest.mark.parametrize("seed", range(20 if ALL else 1))
def test_and_when_the_disk_has_kept_some_of_it(ledger: Path, tmp_path: Path, seed: int) -> None:
    """The system writes what it likes, in any order."""
    assert not _missing(ledger, tmp_path, chance=random.Random(seed))[1]  # noqa: S311  # no secret


def test_a_loss_is_found_where_there_is_one(ledger: Path, tmp_path: Path) -> None:
    """If neither commit were synced, certificates that were handed out would be gone."""
    assert _missing(ledger, tmp_path, "unsynced")[1]
