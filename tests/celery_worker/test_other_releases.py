"""Host and worker of different releases: one sentence says which to upgrade, and nothing is lost.

The other release is a copy of the packages, whose processes import nothing of this one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from anchorhold.errors import BackendUnreachedError, LedgerVersionError, SignatureNotIntendedError
from anchorhold.operations.order import Order
from celery_worker.other_release import other_release
from celery_worker.two_hosts import TwoHosts, new_hosts, running_worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = [
    pytest.mark.databases(because="both hosts have a ledger of their own"),
    pytest.mark.slow(because="three workers and up to ten commands, each a program of its own"),
]

NEWER: Final = "9.1"
OLDER: Final = "0.0.9"
STEP: Final = "def up(migrator, database):\n    pass\n"
"""A migration that only a newer release has."""
SIGN: Final = ("sign-cert", "--ca=Root", "--csr=a.csr", "--alt=a.example")


@pytest.fixture
def own(cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr) -> Iterator[TwoHosts]:
    """Hosts of this release with a root and one certificate; no worker runs."""
    with new_hosts(cluster, redis_broker, tmp_path, deadline=50) as hosts:
        (hosts.folder / "a.csr").write_bytes(make_csr())
        with running_worker(hosts):
            hosts.run("init-ca", "Root", "CN=Root")
            hosts.run(*SIGN)
        yield hosts


def later(folder: Path, *tables: str) -> dict[str, str]:
    """A newer release, which has one more migration of these tables."""
    return other_release(folder / "release", NEWER, more={f"{name}/migrations/0099_later.py": STEP for name in tables})


def certificates(hosts: TwoHosts) -> Counter[str]:
    """How many certificates the ledger has, by their status."""
    with psycopg.connect(hosts.database) as connection:
        rows = connection.execute("SELECT status FROM anchorhold_certificate").fetchall()
    return Counter(status for (status,) in rows)


def check_goes_on(hosts: TwoHosts, failed: int = 0) -> None:
    """Once both hosts have one release, what failed is closed, what was issued is there, and more is issued."""
    release = hosts.variables.get("front") or hosts.variables.get("back") or {}
    hosts.variables = {"front": release, "back": release}
    before = certificates(hosts)
    with running_worker(hosts, name="afterwards"):
        hosts.run("recover", "--certificates", "--older-than=1s")
        hosts.run("recover")
        hosts.run(*SIGN)
        hosts.run("generate-crls")
    assert certificates(hosts) == before + Counter(issued=1)
    assert before == Counter(issued=before["issued"], abandoned=failed)


@pytest.mark.parametrize(
    ("host", "version", "messages", "told"),
    [
        ("back", NEWER, 2, "is of a newer version (2) than this host reads (1)"),
        ("back", OLDER, 0, "is of an older version (0) than this host reads (1)"),
        ("front", NEWER, 2, "is of an older version (1) than this host reads (2)"),
        ("front", OLDER, 0, "is of a newer version (1) than this host reads (0)"),
    ],
    ids=["newer worker", "older worker", "newer host", "older host"],
)
def test_other_messages(own: TwoHosts, tmp_path: Path, host: str, version: str, messages: int, told: str) -> None:
    change = {"anchorhold_celery/messages.py": ("VERSION: Final = 1\n", f"VERSION: Final = {messages}\n")}
    own.variables[host] = other_release(tmp_path / "release", version, change)
    with running_worker(own, name="other") as worker:
        refused = own.run(*SIGN, check=False)
    assert refused.returncode == BackendUnreachedError.exit_code
    assert f"{told}; nothing was done" in refused.stderr
    is_worker_newer = (host == "back") == (version == NEWER)
    assert f", which is {'newer' if is_worker_newer else 'older'} than " in refused.stderr
    assert ("upgrade this host" if is_worker_newer else "upgrade the worker's host") in refused.stderr
    assert "outcome=refused" in worker.log
    check_goes_on(own, 1)


def test_a_ledger_that_is_too_new_for_the_worker(own: TwoHosts, tmp_path: Path) -> None:
    own.variables["front"] = later(tmp_path, "anchorhold/ledger", "anchorhold_celery")
    own.run("list-cas")  # which migrates the ledger
    with running_worker(own, name="older") as worker:
        refused = own.run(*SIGN, check=False)
    assert refused.returncode == BackendUnreachedError.exit_code
    assert "was written by a newer anchorhold" in refused.stderr
    assert "so nothing was done" in refused.stderr
    assert "upgrade the worker's host" in refused.stderr
    assert "outcome=not-begun" in worker.log
    assert "Traceback" not in worker.log
    check_goes_on(own, 1)


@pytest.mark.parametrize(("tables", "failed"), [("anchorhold/ledger", 0), ("anchorhold_celery", 1)])
def test_a_ledger_that_is_too_new_for_the_host(own: TwoHosts, tmp_path: Path, tables: str, failed: int) -> None:
    own.variables["back"] = later(tmp_path, tables)
    own.run("list-cas", host="back")
    with running_worker(own, name="newer"):
        own.run("config", "check", host="back")
        refused = own.run(*SIGN, check=False)
    assert refused.returncode == LedgerVersionError.exit_code
    assert "was written by a newer anchorhold" in refused.stderr
    assert "upgrade anchorhold" in refused.stderr
    check_goes_on(own, failed)


def test_a_host_at_work_while_the_ledger_is_migrated(own: TwoHosts, tmp_path: Path, make_csr: MakeCsr) -> None:
    order = Order(csr=make_csr(), names=["a.example"])
    with own.open() as front:
        with running_worker(own):
            assert front.certificates.sign("Root", order).serial
        own.variables["back"] = later(tmp_path, "anchorhold/ledger", "anchorhold_celery")
        own.run("list-cas", host="back")
        with running_worker(own, name="newer"):
            assert front.certificates.sign("Root", order).serial
    check_goes_on(own)


def test_a_worker_at_work_while_the_ledger_is_migrated(own: TwoHosts, tmp_path: Path) -> None:
    with running_worker(own, name="older"):
        own.run(*SIGN)
        own.variables["front"] = later(tmp_path, "anchorhold/ledger", "anchorhold_celery")
        own.run(*SIGN)
    check_goes_on(own)


def test_lists_that_another_release_writes_otherwise(own: TwoHosts, tmp_path: Path) -> None:
    change = {"anchorhold/x509/crls.py": ("CRLNumber(draft.number), False)", "CRLNumber(draft.number), True)")}
    own.variables["front"] = other_release(tmp_path / "release", NEWER, change)
    with running_worker(own, name="older"):
        refused = own.run("generate-crls", check=False)
    assert refused.returncode == SignatureNotIntendedError.exit_code
    assert "has another content by the ledger" in refused.stderr
    assert "upgrade the worker's host" in refused.stderr
    check_goes_on(own)
