"""A throw-away PostgreSQL cluster that tests may stop, start, and lock themselves out of."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = "-c fsync=off -c autovacuum=off -c max_connections=200"


@dataclass(frozen=True)
class Cluster:
    """A cluster in a folder: everybody is let in by its socket, and by TCP on loopback who has a password (SCRAM).

    Attributes:
        folder: Of its socket, with its data below.
        port: Of TCP on 127.0.0.1.
        programs: Folder of PostgreSQL's own programs.
        user: What a command begins with that is run as the server's user.
        settings: Options of the server.
    """

    folder: Path
    port: int
    programs: Path
    user: tuple[str, ...]
    settings: str = QUICK

    @property
    def url(self) -> str:
        """Of its administrator, by the socket."""
        return f"postgresql://anchorhold@/postgres?host={self.folder}&port={self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-k {self.folder} -p {self.port} -c listen_addresses=127.0.0.1 {self.settings}"
        self._control("-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: ``fast`` ends every session in order, ``immediate`` is a crash."""
        self._control("-m", mode, "stop")

    def is_running(self) -> bool:
        """Whether the server was started and not stopped."""
        return (self.folder / "data" / "postmaster.pid").exists()

    def create(self) -> None:
        """Make the cluster; its write-ahead log comes in files of 1 MB, because 16 are slow to make."""
        methods = ("--auth-local=trust", "--auth-host=scram-sha-256")
        how = (*methods, "-U", "anchorhold", "-E", "UTF8", "--no-sync", "--wal-segsize=1")
        _run(*self.user, self.programs / "initdb", "-D", self.folder / "data", *how)

    def _control(self, *arguments: str | Path) -> None:
        _run(*self.user, self.programs / "pg_ctl", "-D", self.folder / "data", *arguments)


@contextmanager
def running_cluster(settings: str = QUICK, *, name: str = "pg") -> Iterator[Cluster]:
    """A new cluster, for as long as it is needed.

    Args:
        settings: Options of the server.
        name: Tells it from other clusters of this process.
    """
    programs = Path(program("initdb", "postgresql")).parent
    folder = Path("/tmp") / f"anchorhold-{name}-{os.getpid()}"  # sockets need a short path, and its user must reach it
    folder.mkdir(mode=0o700)
    cluster = Cluster(folder, _free_port(), programs, _become_server_user(folder), settings)
    try:
        cluster.create()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        _run("rm", "-rf", folder)


def _free_port() -> int:
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
    return port


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
