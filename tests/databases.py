"""The databases that tests marked ``both_databases`` run on: a SQLite file, and a throw-away PostgreSQL cluster.

With ``ANCHORHOLD_TEST_POSTGRES`` (a URL that may create databases) that server is used instead of a cluster of our own.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("sqlite", "postgresql")
SERVER = os.environ.get("ANCHORHOLD_TEST_POSTGRES")
_numbers = iter(range(1_000_000))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "both_databases: run with the ledger on SQLite and on PostgreSQL")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run marked tests once on each database, shown by name."""
    if metafunc.definition.get_closest_marker("both_databases"):
        metafunc.parametrize("database", KINDS, indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """The URL of an empty PostgreSQL database, or None for the default, a SQLite file in ``ANCHORHOLD_CA_DIR``."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    server: str = request.getfixturevalue("postgresql_server")
    return new_database(server)


def new_database(server: str) -> str:
    """The URL of a new database on that server."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return urlsplit(server)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server: the one that was named, or a cluster of this process's own, without TCP or durability."""
    if SERVER is not None:
        yield SERVER
        return
    initdb = program("initdb", "postgresql")
    folder = Path("/tmp") / f"anchorhold-pg-{os.getpid()}"  # sockets need a short path, and its user must reach it
    folder.mkdir(mode=0o700)
    as_server = _become_server_user(folder)
    try:
        _run(*as_server, initdb, "-D", folder / "data", "-A", "trust", "-U", "anchorhold", "--no-sync", "-E", "UTF8")
        pg_ctl = Path(initdb).with_name("pg_ctl")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
        _run(*as_server, pg_ctl, "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://anchorhold@/postgres?host={folder}"
        finally:
            _run(*as_server, pg_ctl, "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        _run("rm", "-rf", folder)


def _become_server_user(folder: Path) -> tuple[str, ...]:
    """PostgreSQL refuses to run as root; its package has made a user for it."""
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")


def _run(*command: str | Path) -> None:
    # A server inherits what its starter had; were it a pipe, nobody would see its end.
    nowhere = subprocess.DEVNULL
    done = subprocess.run([*map(str, command)], cwd="/", stdout=nowhere, stderr=nowhere, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}"
