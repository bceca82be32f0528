"""PostgreSQL with the settings that the guide shows lets the good client in, and refuses the revoked one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from guide.blocks import blocks
from guide.running import DOCS, start_of
from postgresql_cluster import running_cluster
from programs import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgresql_cluster import Cluster

PAGE: Final = "how-to/openvpn-postgresql.md"
FILES: Final = ("localhost.pem", "localhost.key", "root.pem", "crls.pem", "issuing.crl")
pytestmark = [
    pytest.mark.databases(because="the certificates are made in an installation of their own"),
    pytest.mark.slow(because="a database server starts"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the certificates, keys and CRLs of the page before; psql takes keys that their owner alone reads."""
    start = start_of(PAGE, tmp_path_factory)
    assert start is not None
    found = tmp_path_factory.mktemp("postgresql") / "pki"
    shutil.copytree(start, found)
    for name in ("alice", "bob"):
        (found / f"{name}.key").chmod(0o600)
    return found


def _shown(title: str) -> str:
    (found,) = (block.body for block in blocks((DOCS / PAGE).read_text()) if block.title == title)
    return found


@contextmanager
def _server(folder: Path, crl: str = "crls.pem") -> Iterator[Cluster]:
    with running_cluster(name="relying") as cluster:
        data = cluster.folder / "data"
        owner = data.stat()
        for name in FILES:
            shutil.copy(folder / name, data / name)
            os.chown(data / name, owner.st_uid, owner.st_gid)
            (data / name).chmod(0o600)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_shown("postgresql.conf").replace("crls.pem", crl))
        (data / "pg_hba.conf").write_text(f"local all all trust\n{_shown('pg_hba.conf')}")
        cluster.stop("fast")
        cluster.start()
        make_roles = ("-c", "CREATE ROLE alice LOGIN", "-c", "CREATE ROLE bob LOGIN")
        subprocess.run([program("psql"), cluster.url, *make_roles], check=True, capture_output=True)
        yield cluster


def _connect(folder: Path, cluster: Cluster, changed: Callable[[str], str]) -> subprocess.CompletedProcess[str]:
    """Connect as the page shows, with a change."""
    (shown,) = re.findall(r'^psql "(.*?)"$', (DOCS / PAGE).read_text(), re.MULTILINE | re.DOTALL)
    target = f"{changed(' '.join(shown.split()))} port={cluster.port}"
    argv = [program("psql"), "-Atc", "SELECT current_user", target]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def test_a_good_client_is_let_in_and_a_revoked_one_is_not(folder: Path) -> None:
    with _server(folder) as cluster:
        assert _connect(folder, cluster, str).stdout == "alice\n"
        revoked = _connect(folder, cluster, lambda target: target.replace("alice", "bob"))
        assert "alert certificate revoked" in revoked.stderr
        alone = _connect(folder, cluster, lambda target: target.replace("crls.pem", "issuing.crl"))
        assert "certificate verify failed" in alone.stderr


def test_without_the_roots_crl_the_server_refuses_every_client(folder: Path) -> None:
    with _server(folder, "issuing.crl") as cluster:
        assert "alert unknown ca" in _connect(folder, cluster, str).stderr
