"""A thread that has used a SQLite file and ended leaves nothing open, and nobody is warned of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.databases(because="the file is one of its own")

_ENDED = """
import gc, os, sys, threading
from anchorhold.databases import open_database

path = os.path.abspath("a.sqlite3")
open(path, "w").close()
database = open_database(f"sqlite:///{path}")
used = threading.Thread(target=lambda: database.execute_sql("SELECT 1").fetchall())
used.start()
used.join()
gc.collect()
print([name for name in os.listdir("/proc/self/fd") if os.path.realpath(f"/proc/self/fd/{name}") == path])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_the_connection_of_a_thread_ends_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", _ENDED]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[]\n", "")
