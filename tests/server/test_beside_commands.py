"""Other processes change the ledger, or its files, under a server: it answers with what is so, or with nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from anchorhold.errors import BackendFailedError, LedgerError, SecretWrongError
from anchorhold.installation import open_installation
from anchorhold_server import responders
from anchorhold_server.ledger_connection import BEHIND, LedgerConnection, StaleLedgerError
from anchorhold_server.ledger_reader import LedgerReader
from anchorhold_server.metrics import Metrics
from anchorhold_server.responders import Responder
from anchorhold_server.revision_watcher import watch_revision, watched_revision
from anchorhold_server.worker_replacement import WorkerReplacement
from combinations import ALL
from server.serving import HOSTNAME, House, Server, command, running, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchorhold.errors import AnchorholdError

sqlite_only = pytest.mark.databases("sqlite", because="it is about the files of SQLite")
AGAIN = 40
"""Seconds within which each worker has been replaced, one after the other."""


def descriptors(process: int) -> set[str]:
    """What a process has open."""
    names = set()
    for number in os.listdir(f"/proc/{process}/fd"):  # noqa: PTH208  # of the kernel
        with suppress(FileNotFoundError):
            names.add(os.readlink(f"/proc/{process}/fd/{number}"))  # noqa: PTH115  # the same
    return names


def locked(process: int) -> set[int]:
    """Files by their numbers on which a process has POSIX locks."""
    with open("/proc/locks") as file:  # noqa: PTH123  # of the kernel
        entries = [line.split() for line in file]
    return {int(entry[5].rpartition(":")[2]) for entry in entries if entry[1] == "POSIX" and entry[4] == str(process)}


def ledger_in(folder: Path) -> list[Path]:
    """The files of the ledger that are there."""
    return sorted(folder.glob("ledger.sqlite3*"))


def heard(house: House, server: Server) -> set[str]:
    """What several connections get to hear; those to a worker that is just ending may hear nothing."""
    answers = set()
    for _ in range(12):
        try:
            answers.add(server.status(house.request(), server.another_client()))
        except httpx.TransportError:
            answers.add("NOTHING")
    return answers


@sqlite_only
def test_workers_keep_their_locks_and_their_files_whatever_runs_beside_them(
    house: House, tmp_path: Path, ca_dir: Path
) -> None:
    with running(tmp_path, "--workers", "2") as server:
        until(lambda: heard(house, server) == {"GOOD"})
        time.sleep(2.5)  # it has looked after its connections
        for arguments in (("list-certs",), ("maintain",), ("edit-ca", "root", "--ocsp-unknown", "unauthorized")):
            command(*arguments)
        wanted = {path.stat().st_ino for path in ledger_in(ca_dir) if not path.name.endswith("-wal")}
        assert len(wanted) == 2
        for worker in server.workers():
            assert wanted <= locked(worker)
            assert not [name for name in descriptors(worker) if name.endswith("(deleted)")]
        assert not [name for name in descriptors(server.process.pid) if "sqlite3" in name]
        command("revoke-cert", house.serial)
        assert heard(house, server) == {"REVOKED"}


def moved_over(ca_dir: Path, before: Path) -> None:
    """The whole of an older copy is moved over the ledger."""
    for path in ledger_in(before):
        path.replace(ca_dir / path.name)


def copied_over(ca_dir: Path, before: Path) -> None:
    """A copy of one file takes the ledger's place; what was beside it goes."""
    for path in ledger_in(ca_dir):
        path.unlink()
    shutil.copy(before / "ledger.sqlite3", ca_dir / "ledger.sqlite3")


def away_and_back(ca_dir: Path, before: Path) -> None:
    """The ledger is gone for a moment."""
    files = ledger_in(ca_dir)
    for path in files:
        path.rename(before / path.name)
    time.sleep(0.5)
    for path in files:
        (before / path.name).rename(path)


def log_removed(ca_dir: Path, _: Path) -> None:
    """Somebody takes what is beside the ledger for rubbish."""
    for path in ledger_in(ca_dir):
        if path.name != "ledger.sqlite3":
            path.unlink()


CHANGES = (moved_over, copied_over, away_and_back, log_removed)


@sqlite_only
@pytest.mark.slow(because="a server, and commands for as long as it may take to notice")
@pytest.mark.parametrize("change", CHANGES if ALL else CHANGES[::3])
def test_a_ledger_that_was_replaced_is_never_answered_from_and_the_new_one_soon_is(
    house: House, tmp_path: Path, ca_dir: Path, change: Callable[[Path, Path], None]
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    with closing(sqlite3.connect(ca_dir / "ledger.sqlite3")) as source:
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in ledger_in(ca_dir):
        shutil.copy(path, before)
    with running(tmp_path, "--workers", "2") as server:
        until(lambda: heard(house, server) == {"GOOD"})
        command("edit-ca", "root", "--ocsp-unknown", "unauthorized")  # it is in the write-ahead log alone
        change(ca_dir, before)
        command("revoke-cert", house.serial)
        assert "GOOD" not in heard(house, server)
        status, shown = server.ready()
        assert status == 200 or shown["problems"]
        until(lambda: heard(house, server) == {"REVOKED"}, AGAIN)
        until(lambda: server.ready()[0] == 200)
        assert server.stop() == 0


@sqlite_only
@pytest.mark.parametrize("empty", [False, True])
def test_a_ledger_that_is_not_there_is_not_made_and_used_once_it_is(
    database: str, tmp_path: Path, ca_dir: Path, empty: bool
) -> None:
    ca_dir.mkdir()
    if empty:
        (ca_dir / "ledger.sqlite3").touch()
    with running(tmp_path) as server:
        for _ in range(2):
            status, shown = server.ready()
            assert (status, shown["ready"]) == (503, False)
            assert shown["problems"] in (["ledger: is not there"], ["ledger: is empty"])
            time.sleep(1)
        assert [(path.name, path.stat().st_size) for path in ledger_in(ca_dir)] == [("ledger.sqlite3", 0)] * empty
        (ca_dir / "ledger.sqlite3").unlink(missing_ok=True)
        command("init-ca", "root", "CN=Root", "--hostname", HOSTNAME)
        command("maintain")
        until(lambda: server.ready()[0] == 200)


def test_a_server_without_an_authority_is_not_ready(database: str, tmp_path: Path) -> None:
    with open_installation() as installation:
        installation.authorities.list()
    with running(tmp_path) as server:
        status, shown = server.ready()
        assert (status, shown["ledger"]) == (503, "reachable")
        assert shown["problems"] == ["there is no authority, or each has expired"]


LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_by_somebody(ledger: Path) -> Iterator[None]:
    """Another program has a ledger to itself."""
    command = [sys.executable, "-c", LOCKER, str(ledger)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield
        process.communicate()


@sqlite_only
def test_a_locked_ledger_says_try_later_and_keeps_nothing_else_waiting(
    house: House, tmp_path: Path, ca_dir: Path
) -> None:
    """As copies of a ledger may be that were made by SQL, this one has no write-ahead log, so readers wait, too."""
    with closing(sqlite3.connect(ca_dir / "ledger.sqlite3")) as connection:
        assert connection.execute("PRAGMA journal_mode = delete").fetchone() == ("delete",)
    with running(tmp_path) as server:
        assert server.status(house.request()) == "GOOD"
        with locked_by_somebody(ca_dir / "ledger.sqlite3"), ThreadPoolExecutor(1) as threads:
            client = server.another_client()
            waiting = threads.submit(server.status, house.request(), client)
            for _ in range(3):
                assert server.client.get("/healthz").status_code == 200
                assert not waiting.done()
            assert waiting.result() == "TRY_LATER"
            assert server.ready()[0] == 503
        until(lambda: server.status(house.request()) == "GOOD")
        house.revoke()
        assert server.status(house.request()) == "REVOKED"


def test_a_ledger_that_was_restored_in_its_place_is_believed(house: House, server: Server) -> None:
    """Its revision is lower than that of what is remembered."""
    house.revoke()
    assert server.status(house.request()) == "REVOKED"
    with house.opened() as installation, installation.ledger.transaction():
        database = installation.ledger.database
        database.execute_sql("DELETE FROM anchorhold_revocation")
        database.execute_sql("UPDATE anchorhold_epoch SET value = value - 2")
    until(lambda: server.status(house.request()) == "GOOD")
    house.revoke()
    assert server.status(house.request()) in {"REVOKED", "TRY_LATER"}
    until(lambda: server.status(house.request()) == "REVOKED")


def test_a_worker_that_reads_a_lower_revision_than_the_watcher_says_so(house: House, tmp_path: Path) -> None:
    with open_installation(create=False) as installation:
        connection = LedgerConnection(LedgerReader(installation), tmp_path)
        with watch_revision(installation.access.url, tmp_path):
            until(lambda: watched_revision(tmp_path) is not None)
        seen = connection.revision()
        assert watched_revision(tmp_path) == seen
        connection.update()
        assert connection.revision() == seen
        (tmp_path / "revision").write_text(str(seen + 1))
        connection.update()
        with pytest.raises(StaleLedgerError, match="does not see"):
            connection.revision()
        assert connection.problem == f"ledger: {BEHIND}"
        (tmp_path / "revision").write_text(str(seen))
        connection.update()
        assert connection.revision() == seen
        assert connection.problem is None


def test_a_watcher_that_cannot_read_the_revision_says_nothing(database: str, tmp_path: Path) -> None:
    (tmp_path / "revision").write_text("7")
    with watch_revision(database, tmp_path):
        until(lambda: watched_revision(tmp_path) is None)
    assert not ledger_in(tmp_path / "ca")


@sqlite_only
def test_what_is_not_there_is_no_ledger_of_this_process(database: str, tmp_path: Path) -> None:
    with open_installation(create=False) as installation, pytest.raises(LedgerError, match="is not there"):
        LedgerConnection(LedgerReader(installation), tmp_path).revision()
    assert not ledger_in(tmp_path / "ca")


@pytest.mark.databases(because="no ledger is opened")
def test_workers_end_themselves_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("anchorhold_server.worker_replacement.os.kill", lambda _, number: ended.append(number))
    young = WorkerReplacement(tmp_path)
    assert not young.request("too early")
    monkeypatch.setattr("anchorhold_server.worker_replacement.MIN_AGE", 0.0)
    monkeypatch.setattr("anchorhold_server.worker_replacement.STOP_TIMEOUT", 3600.0)
    one, other = WorkerReplacement(tmp_path), WorkerReplacement(tmp_path)
    assert one.request("blind")
    assert one.request("blind")
    assert not other.request("blind")
    assert len(ended) == 1
    monkeypatch.setattr("anchorhold_server.worker_replacement.MIN_INTERVAL", 0.0)
    assert other.request("blind")


@sqlite_only
@pytest.mark.parametrize(("failure", "ends"), [(BackendFailedError, True), (SecretWrongError, False)])
def test_a_key_that_was_there_and_cannot_be_opened_for_long_is_a_reason_for_another_process(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[AnchorholdError], ends: bool
) -> None:
    """Unless a PIN was refused: another process would try it once more, and tokens lock."""
    monkeypatch.setattr(responders, "OUT_OF_ORDER", 0.0)
    monkeypatch.setattr(responders, "RETRY_DELAY", 0.0)

    def fails(*_: object) -> None:
        raise failure("token: is down", hint="repair it")

    with open_installation() as installation:
        responder = Responder(LedgerReader(installation), house.authority, house.responder(), Metrics(tmp_path))
        responder.check()
        responder.close()
        with monkeypatch.context() as broken:
            broken.setattr("anchorhold_server.ledger_reader.open_responder", fails)
            for _ in range(2):
                with pytest.raises(failure):
                    responder.check()
                time.sleep(0.01)
        assert responder.is_out_of_order is ends
        if ends:
            responder.check()
            assert not responder.is_out_of_order
            responder.close()
