"""Many at once, and interrupted: first starts, processes, threads, forks, lost connections, kills."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from anchorhold.errors import KeyMissingError
from anchorhold.installation import open_installation
from anchorhold.plugin import FindKeyRequest
from anchorhold.public_keys import spki
from cli.cli_steps import good, refused
from db.keeping import KEY_ID, key_id_of, rows, secrets, sql, use_db
from ledger.running import run_at_once
from plugin.fake_backends import NO_SECRETS, create_request, key_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import KeyRequest
    from anchorhold.plugin.key_backend import KeyBackend
    from conftest import Command

TESTS = str(Path(__file__).parents[1])
ONE_MIGRATION = [("0001_initial",)]
HISTORY = "SELECT name FROM anchorhold_db_migration"


@pytest.fixture
def _tests_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that a test starts can import what tests share."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def test_six_first_starts_at_once_on_an_own_database_all_succeed_and_one_migrates(own_url: str, tmp_path: Path) -> None:
    # A race between first connections to a file shows in one of twenty meetings.
    urls = [f"{own_url}.{number}" for number in range(20)] if own_url.startswith("sqlite") else [own_url]
    run_at_once(
        6,
        tmp_path,
        f"""
        from anchorhold_db.key_table import KeyTable
        from anchorhold_db.connections import DedicatedDatabase
        for number_of_url, url in enumerate({urls}):
            keys = KeyTable(DedicatedDatabase("key backend", url))
            meet(f"ready {{number_of_url}}")
            assert keys.read(bytes(20), may_create=True) is None
        """,
    )
    assert [sql(url, HISTORY) for url in urls] == [ONE_MIGRATION] * len(urls)


def test_six_first_starts_at_once_on_the_ledger_all_succeed_and_both_have_their_history(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_db(tmp_path, monkeypatch)
    run_at_once(
        6,
        tmp_path,
        """
        meet("ready")
        with open_installation() as installation:
            installation.authorities.create(f"CA {number}", "CN=CA")
        """,
    )
    assert sql(database, HISTORY) == ONE_MIGRATION
    assert len(sql(database, "SELECT name FROM anchorhold_migration")) >= 1
    assert len(rows(database)) == 6


_CREATE_AT_ONCE = """
from anchorhold.errors import KeyExistsError
from db.keeping import secrets
from plugin.fake_backends import configured, create_request
backend = configured().get("default")
meet("ready")
created = []
for round in range(10):
    for key_id in (bytes([round] * 20), bytes([int(number) + 100, round] * 10)):
        try:
            backend.create_key(create_request(key_id=key_id), secrets())
        except KeyExistsError:
            continue
        created.append(key_id.hex())
print(*created)
"""


@pytest.mark.usefixtures("own", "_tests_on_the_path")
def test_of_processes_that_store_a_key_under_one_id_one_succeeds(own_url: str, tmp_path: Path) -> None:
    created = [key for line in run_at_once(3, tmp_path, _CREATE_AT_ONCE) for key in line.split()]
    assert len(created) == 10 + 3 * 10
    assert sorted(created) == sorted(rows(own_url))


@pytest.mark.parametrize("place", ["ledger", "own"])
def test_threads_create_use_and_delete_keys_at_once(
    database: str, own: KeyBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    use_db(tmp_path, monkeypatch)
    shared = open_installation()
    backend = own if place == "own" else shared.backends.get("default")

    def work(number: int) -> bool:
        try:
            created = backend.create_key(create_request(key_id=bytes([number] * 20)), secrets())
            backend.load_signer(key_request(created), secrets()).close()
            return backend.delete_key(key_request(created), secrets())
        finally:
            shared.close()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
    shared.close()
    assert place == "own" or rows(database) == {}


_FORK = """
import os
from anchorhold.installation import open_installation
from db.keeping import secrets
from plugin.fake_backends import create_request, key_request

with open_installation() as installation:
    backend = installation.backends.get("default")
    created = backend.create_key(create_request(), secrets())
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            try:
                backend.load_signer(key_request(created), secrets()).close()
                backend.create_key(create_request(key_id=bytes([child + 1] * 20)), secrets())
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(pid)
    backend.load_signer(key_request(created), secrets()).close()
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    backend.load_signer(key_request(created), secrets()).close()
"""


@pytest.mark.usefixtures("_tests_on_the_path")
@pytest.mark.parametrize("place", ["ledger", "own"])
def test_forked_children_use_connections_of_their_own_and_the_parent_goes_on(
    database: str, own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    use_db(tmp_path, monkeypatch, f'database = "{own_url}"' if place == "own" else "")
    monkeypatch.setenv("PYTHONPATH", TESTS)
    ended = subprocess.run([sys.executable, "-c", _FORK], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(rows(own_url if place == "own" else database)) == 4


OPERATIONS: dict[str, Callable[[KeyBackend, KeyRequest], object]] = {
    "find": lambda backend, _: backend.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS),
    "create": lambda backend, _: backend.create_key(create_request(key_id=KEY_ID), secrets()),
    "load": lambda backend, request: backend.load_signer(request, secrets()),
    "export": lambda backend, request: backend.export_key(request, secrets()),
    "delete": lambda backend, request: backend.delete_key(request, secrets()),
}


@pytest.mark.databases("postgresql", because="only a server loses connections")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lost_connection_is_replaced_in_the_same_operation(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    use_db(tmp_path, monkeypatch)
    with open_installation() as opened:
        backend = opened.backends.get("default")
        created = backend.create_key(create_request(), secrets())
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        request = key_request(created)
        outcome: Callable[[], bool] = {
            "find": lambda: backend.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS) == (created,),
            "create": lambda: backend.create_key(create_request(key_id=KEY_ID), secrets()).handle is not None,
            "load": lambda: spki(backend.load_signer(request, secrets()).public_key) == spki(created.public_key),
            "export": lambda: bool(backend.export_key(request, secrets())),
            "delete": lambda: backend.delete_key(request, secrets()),
        }[operation]
        assert outcome()
    assert len(rows(database)) == {"create": 2, "delete": 0}.get(operation, 1)


_KILLED = """
import os, signal
import anchorhold
from {module} import {owner}

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

{owner}.{method} = die
with anchorhold.open_installation() as installation:
    installation.authorities.create("Root", "CN=Root", secrets={{"password": "unguessable"}})
"""


def _kill_at(module: str, owner: str, method: str) -> None:
    script = _KILLED.format(module=module, owner=owner, method=method)
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


@pytest.mark.parametrize("place", ["ledger", "own"])
def test_a_key_whose_creation_was_killed_is_found_again_and_finished(
    anchorhold: Command,
    database: str,
    own_url: str,
    csr_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    use_db(tmp_path, monkeypatch, f'database = "{own_url}"' if place == "own" else "")
    _kill_at("anchorhold.ledger.authorities", "AuthorityRepository", "record_key")
    assert len(rows(own_url if place == "own" else database)) == 1
    assert anchorhold("recover").exit_code == 63
    assert anchorhold("recover", "--finish=Root", "--password=wrong").exit_code == 21
    good(anchorhold("recover", "--finish=Root", "--password=unguessable"))
    assert list(rows(own_url if place == "own" else database)) == [key_id_of("Root")]
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--password=unguessable")
    good(anchorhold(*sign))


def test_a_key_whose_creation_was_killed_is_destroyed_without_its_password(
    anchorhold: Command, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_db(tmp_path, monkeypatch)
    _kill_at("anchorhold.ledger.authorities", "AuthorityRepository", "record_key")
    assert "its key is destroyed" in good(anchorhold("recover", "--abandon=Root")).talk
    assert rows(database) == {}


def test_killed_before_the_row_was_written_there_is_nothing_to_finish(
    anchorhold: Command, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_db(tmp_path, monkeypatch)
    _kill_at("anchorhold_db.key_table", "KeyTable", "add")
    refused(anchorhold("recover", "--finish=Root"), KeyMissingError)
    assert "no key exists" in good(anchorhold("recover", "--abandon=Root")).talk
    assert rows(database) == {}
