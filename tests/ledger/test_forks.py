"""SQLite in forked children: they see what others do, or say that they cannot."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.cli_steps import good

if TYPE_CHECKING:
    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="the locks are those of its files")

_FORKING = """
import os, subprocess, sys, threading
from anchorhold.errors import LedgerError
from anchorhold.installation import open_installation

parent = open_installation()
parent.ledger.revision()
if "thread" in sys.argv:
    opened, ended = threading.Event(), threading.Event()
    def hold():
        parent.ledger.revision()
        opened.set()
        ended.wait()
        parent.close()
    holder = threading.Thread(target=hold)
    holder.start()
    opened.wait()
go, tell = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    own = parent if "same" in sys.argv else open_installation()
    try:
        before = own.ledger.revision()
        os.write(tell[1], b".")
        os.read(go[0], 1)
        print(own.ledger.revision() - before, own.authorities.get("Root").record.status, flush=True)
    except LedgerError as error:
        print(error, flush=True)
        os.write(tell[1], b".")
    os._exit(0)
if "thread" not in sys.argv:
    parent.close()
os.read(tell[0], 1)
subprocess.run([sys.executable, "-m", "anchorhold", "edit-ca", "Root", "--disable"], check=True, capture_output=True)
os.write(go[1], b".")
os.waitpid(child, 0)
print(parent.authorities.get("Root").record.status)
parent.close()
if "thread" in sys.argv:
    ended.set()
    holder.join()
"""


def _run(*how: str) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", _FORKING, *how]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


@pytest.mark.parametrize("how", ["own", "same"])
def test_a_child_sees_what_another_process_did_after_its_parent_had_closed(how: str, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    assert _run(how) == ["1 disabled", "disabled"]


@pytest.mark.parametrize("how", ["own", "same"])
def test_a_child_does_not_use_a_file_that_another_thread_had_open(how: str, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    child, parent = _run(how, "thread")
    assert "was in use when this process was forked; open it only after the fork" in child
    assert parent == "disabled"
