"""The suite watches itself: what takes too much processor time fails, and what says that it is slow begins first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.databases(because="no ledger is opened")

TESTS = """
import time
import pytest

def burn():
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass

@pytest.fixture(scope="module")
def dear():
    burn()

def test_cheap(): pass
def test_dear(): burn()
def test_with_a_shared_fixture(dear): pass
@pytest.mark.slow(because="it must")
def test_marked(): burn()
"""


def test_an_unmarked_test_over_the_limit_fails_and_a_marked_one_begins_first(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import costs\ncosts.LIMIT = 0.2\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "costs", "-p", "no:randomly", "-v", "--costs", "--rootdir", "."]
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    seen = [line.split()[:2] for line in ended.stdout.splitlines() if line.startswith("test_it.py::")]
    assert seen == [
        ["test_it.py::test_marked", "PASSED"],
        ["test_it.py::test_cheap", "PASSED"],
        ["test_it.py::test_dear", "FAILED"],
        ["test_it.py::test_with_a_shared_fixture", "PASSED"],
    ], ended.stdout + ended.stderr
    assert "0.3 s of processor time; make it cheaper" in ended.stdout
    assert "4 tests test_it.py" in ended.stdout
