"""The databases that ledgers are measured on: SQLite files, and a PostgreSQL server whose commits are durable.

The server is a cluster of the benchmark's own, thrown away afterwards and otherwise as Debian's ``postgresql`` sets it
up (fsync on); or the one that ``ANCHORHOLD_TEST_POSTGRES`` names by a URL that may create databases.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from bench.command import BenchError, Command, run

if TYPE_CHECKING:
    from collections.abc import Iterator

SQLITE, POSTGRESQL = NAMES = ("SQLite", "PostgreSQL")
VARIABLE = "ANCHORHOLD_TEST_POSTGRES"
SCRATCH = Path("/var/tmp")  # noqa: S108  # on a disk, unlike /tmp on some machines, and open to the server's user
DRIVER = Path(psycopg.__file__).parents[1]
"""The folder psycopg is in; processes that do not need it are not shown it, for the usual installation has none."""
_numbers = count()


class Databases:
    """What ledgers can be put on.

    Args:
        server: The URL of the PostgreSQL server; None if there is none.
        missing: Why there is none.
    """

    def __init__(self, server: str | None, missing: str | None) -> None:
        self._server = server
        self._missing = missing

    def missing(self, name: str) -> str | None:
        """Why that database cannot be measured; None if it can."""
        return self._missing if name == POSTGRESQL else None

    def version(self) -> str:
        """Return the version of the PostgreSQL server."""
        if self._server is None:
            return "not measured"
        with psycopg.connect(self._server) as connection:
            return str(connection.info.parameter_status("server_version"))

    @contextmanager
    def new(self, name: str) -> Iterator[str]:
        """Give the URL of a new database, dropped afterwards; for SQLite it is empty: the default, a file."""
        if name == SQLITE:
            yield ""
            return
        if self._server is None:
            raise BenchError(f"{POSTGRESQL}: {self._missing}")
        database = f"bench_{os.getpid()}_{next(_numbers)}"
        self._execute(f'CREATE DATABASE "{database}"')
        try:
            yield urlsplit(self._server)._replace(path=f"/{database}").geturl()
        finally:
            self._execute(f'DROP DATABASE "{database}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server or "", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def open_databases() -> Iterator[Databases]:
    """Start the server, if there can be one, and stop it afterwards."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        yield Databases(named, None)
        return
    initdb = _initdb()
    if initdb is None:
        yield Databases(None, f"neither Debian's package postgresql nor {VARIABLE} is there")
        return
    folder = Path(tempfile.mkdtemp(prefix="anchorhold-bench-", dir=SCRATCH))
    try:
        with _cluster(initdb, folder) as server:
            yield Databases(server, None)
    finally:
        shutil.rmtree(folder)


@contextmanager
def _cluster(initdb: Path, folder: Path) -> Iterator[str]:
    """Make a cluster in the folder, and let its server listen on a socket there until it is not needed any more."""
    as_server = _become_server_user(folder)
    data, pg_ctl = str(folder / "data"), str(initdb.with_name("pg_ctl"))
    started = ("-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses=''", "start")
    _run(*as_server, str(initdb), "-D", data, "-A", "trust", "-U", "anchorhold", "-E", "UTF8")
    _run(*as_server, pg_ctl, "-D", data, "-w", *started)
    try:
        yield f"postgresql://anchorhold@/postgres?host={folder}"
    finally:
        _run(*as_server, pg_ctl, "-D", data, "-w", "-m", "fast", "stop")


def _initdb() -> Path | None:
    """The newest one; Debian keeps the programs of PostgreSQL's server out of the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb")
    return packaged[-1] if packaged else Path(found) if found else None


def _become_server_user(folder: Path) -> tuple[str, ...]:
    """PostgreSQL refuses to run as root; its package has made a user for it."""
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")


def _run(*argv: str) -> None:
    run(Command(argv, {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}, Path("/")))
