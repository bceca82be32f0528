"""A ledger that another process has locked: it is said soon, waited for a while, and then there is one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold.databases import close, open_database
from anchorhold.errors import LedgerError
from anchorhold.installation import open_installation
from anchorhold.ledger import Ledger
from cli.cli_steps import good

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Command

HOLD: Final = """
import sys, time
from anchorhold.ledger import Ledger
ledger = Ledger(sys.argv[1])
with ledger.transaction():
    ledger.events.append("held", "Root")
    print("held", flush=True)
    sys.stdin.readline()
print("over", flush=True)
"""
EXCLUSIVE: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"), isolation_level=None)
connection.execute("PRAGMA locking_mode = exclusive")
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""
"""As a program does that keeps everybody out, readers too."""


def _with(url: str, parameter: str) -> str:
    """The URL with one more parameter, if there is one."""
    return f"{url}{'&' if '?' in url else '?'}{parameter}" if parameter else url


class Holder:
    """A process that has the lock of a ledger.

    Args:
        url: Of the ledger.
        program: What it runs.
    """

    def __init__(self, url: str, program: str = HOLD) -> None:
        command = [sys.executable, "-c", program, url]
        pipe: Any = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def end(self) -> str:
        """Let it go on to its end; what it says on standard error."""
        self.process.send_signal(signal.SIGCONT)
        return self.process.communicate("\n", timeout=60)[1]


@pytest.fixture
def holders() -> Iterator[list[Holder]]:
    """Those of a test, which end with it."""
    made: list[Holder] = []
    yield made
    for holder in made:
        holder.process.kill()
        holder.process.communicate()


def _until(stream: Any, words: str) -> str:
    """Wait for a line with these words."""
    for line in stream:
        if words in line:
            return str(line)
    raise AssertionError(f"{words!r} was never said")


WAITING: Final = "another process has it locked; waiting up to 30 s"


@pytest.mark.databases("sqlite", because="on a server nobody is told")
@pytest.mark.parametrize(
    ("program", "command"),
    [
        (HOLD, ("edit-ca", "Root", "--disable")),
        (EXCLUSIVE, ("list-cas",)),
        (EXCLUSIVE, ("edit-ca", "Root", "--disable")),
    ],
    ids=["write", "read-exclusive", "write-exclusive"],
)
def test_that_it_waits_is_said_and_then_it_goes_on(
    program: str, command: tuple[str, ...], anchorhold: Command, database: str, holders: list[Holder], ca_dir: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    holders.append(Holder(database, program))
    waiting = subprocess.Popen([sys.executable, "-m", "anchorhold", *command], stderr=subprocess.PIPE, text=True)
    assert f"ledger {ca_dir}/ledger.sqlite3: {WAITING}" in _until(waiting.stderr, "locked")
    holders[0].end()
    _, more = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, more
    assert "locked" not in more, "it is said once"


@pytest.mark.databases("sqlite", because="on a server nobody is told")
@pytest.mark.parametrize("what", ["migration", "write", "read"])
def test_in_the_end_it_is_one_sentence(
    what: str, database: str, holders: list[Holder], caplog: pytest.LogCaptureFixture
) -> None:
    Ledger(database).close()
    holders.append(Holder(database, HOLD if what == "write" else EXCLUSIVE))
    said = r"ledger\.sqlite3: database is locked; find the process that has the file open"
    with pytest.raises(LedgerError, match=said):
        _use(what, Ledger(database, patience=2.5))
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "another process has it locked; waiting up to 2.5 s"
    ]


def _use(what: str, ledger: Ledger) -> None:
    with closing(ledger), ledger.transaction():
        ledger.events.append(what, "Root")


@pytest.mark.databases("sqlite", because="on a server nobody is told")
def test_who_has_little_patience_says_nothing(
    database: str, holders: list[Holder], caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(database, patience=0.2)
    holders.append(Holder(database))
    with pytest.raises(LedgerError, match="locked"):
        _use("tested", ledger)
    assert caplog.records == []


@pytest.mark.databases("postgresql", because="the file has no server")
def test_a_server_is_not_waited_for_without_end(database: str, holders: list[Holder]) -> None:
    Ledger(database).close()
    holders.append(Holder(database))
    os.kill(holders[0].process.pid, signal.SIGSTOP)
    ledger = Ledger(database, patience=0.5)
    with pytest.raises(LedgerError, match=r"lock timeout.*; find the session with the lock in pg_stat_activity"):
        _use("tested", ledger)
    assert holders[0].end() == ""


@pytest.mark.databases("postgresql", because="the file has no server")
def test_the_lock_of_migrations_is_not_waited_for_without_end(database: str, holders: list[Holder]) -> None:
    program = """
import sys
from anchorhold.databases import close, open_database
from anchorhold.ledger.migrations import MIGRATIONS
database = open_database(sys.argv[1])
with database.atomic():
    database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (MIGRATIONS.lock,))
    print("held", flush=True)
    sys.stdin.readline()
"""
    holders.append(Holder(database, program))
    with pytest.raises(LedgerError, match="lock timeout"):
        Ledger(database, patience=0.5)


@pytest.mark.databases("postgresql", because="the file has no server")
def test_who_stands_still_within_a_transaction_loses_it_with_one_sentence(
    database: str, anchorhold: Command, holders: list[Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    holders.append(Holder(_with(database, "options=-c%20idle_in_transaction_session_timeout%3D300")))
    os.kill(holders[0].process.pid, signal.SIGSTOP)
    good(anchorhold("edit-ca", "Root", "--disable"))
    said = holders[0].end()
    assert "LedgerError" in said
    assert "idle-in-transaction timeout" in said
    with open_installation() as installation:
        assert "held" not in [event.kind for event in installation.ledger.events.history()]
        assert installation.authorities.get("Root").record.status == "disabled"


@pytest.mark.databases("postgresql", because="the file has no server")
@pytest.mark.parametrize(
    ("addition", "expected"),
    [("", "30s"), ("options=-c%20lock_timeout%3D7s", "7s"), ("options=-c%20lock_timeout%3D0", "0")],
)
def test_the_url_says_how_long_a_server_is_waited_for(addition: str, expected: str, database: str) -> None:
    opened = open_database(_with(database, addition))
    assert opened.execute_sql("SHOW lock_timeout").fetchone() == (expected,)
    assert opened.execute_sql("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)
    close(opened)
