"""Fixtures of the servers that hold keys; for ``pytest_plugins`` of test modules."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from programs import program
from storages.servers import Bucket, Sshd, free_port, moto, running, ssh_key

if TYPE_CHECKING:
    from collections.abc import Iterator

SFTP = "/usr/lib/openssh/sftp-server"
_numbers = iter(range(1_000_000))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 server."""
    with moto(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture
def bucket(s3_server: str) -> Bucket:
    """An empty bucket."""
    made = Bucket(s3_server, f"bucket-{os.getpid()}-{next(_numbers)}")
    made.request("PUT")
    return made


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A throw-away SSH server on the loopback."""
    folder = tmp_path_factory.mktemp("sshd")
    with running_sshd(folder, f"{SFTP} -e -l VERBOSE 2>>{folder}/sftp.log") as server:
        yield server


@pytest.fixture
def full_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """One whose disk has no room for a single octet."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    (folder / "sftp").write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 0\nexec {SFTP}\n")
    (folder / "sftp").chmod(0o755)
    with running_sshd(folder, str(folder / "sftp")) as server:
        yield server


@contextmanager
def running_sshd(folder: Path, sftp: str) -> Iterator[Sshd]:
    """An SSH server with its files in that folder, and that command for SFTP."""
    port = free_port()
    ssh_key(folder / "host")
    (folder / "authorized_keys").write_text(ssh_key(folder / "user"))
    (folder / "config").write_text(f"""
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
KbdInteractiveAuthentication no
MaxStartups 100
Subsystem sftp {sftp}
""")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it locks itself in; its package's service makes it
    binary = program("sshd", "openssh-server")
    with running([binary, "-D", "-e", "-f", str(folder / "config")], port, folder / "log"):
        yield Sshd(port, folder)
