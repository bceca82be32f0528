"""A host loses its link, before it asks or while it waits: it knows what came of it, and goes on with the link."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest

from anchorhold.errors import BackendFailedError, BackendUnreachedError, LedgerError
from celery_worker.apart import apart
from celery_worker.brokers import wait_until
from celery_worker.two_hosts import running_worker
from programs import program
from storages.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    from celery_worker.brokers import Broker
    from celery_worker.namespaces import Namespace
    from celery_worker.two_hosts import TwoHosts, Worker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = [
    pytest.mark.databases(because="both hosts share a ledger of their own"),
    pytest.mark.slow(because="links are cut for longer than a host waits"),
    pytest.mark.timeout(0),
]
DEADLINE: Final = 6
"""Seconds for which the front waits; a link is cut for longer."""
BACK_WITHIN: Final = 60
"""Seconds within which certificates are issued again once the link is there."""
SIGN: Final = ("sign-cert", "--ca=Root", "--csr=a.csr", "--alt=a.example")


@dataclass
class Scene:
    """Both hosts with a root and a worker."""

    hosts: TwoHosts
    front: Namespace
    back: Namespace
    worker: Worker

    def sign(self) -> CompletedProcess[str]:
        """Ask for a certificate."""
        return self.hosts.run(*SIGN, check=False)

    def statuses(self) -> Counter[str]:
        """How many certificates the ledger has, by their status."""
        with psycopg.connect(self.hosts.database) as connection:
            rows = connection.execute("SELECT status FROM anchorhold_certificate").fetchall()
        return Counter(status for (status,) in rows)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the worker receive what is asked, and not begin with it."""
        with psycopg.connect(self.hosts.database) as connection:
            connection.execute("LOCK TABLE anchorhold_celery_request IN ACCESS EXCLUSIVE MODE")
            yield

    def check_goes_on(self) -> None:
        """More is issued by the same worker; what failed is closed, and nothing that was issued is lost."""
        before, begun = self.statuses(), time.monotonic()
        wait_until(lambda: self.sign().returncode == 0, BACK_WITHIN, "nothing is issued any more")
        print(f"issued again after {time.monotonic() - begun:.1f} s")
        assert self.worker.process.poll() is None
        self.hosts.run("recover", "--certificates", "--older-than=1s")
        self.hosts.run("recover")
        after = self.statuses()
        assert after["issued"] == before["issued"] + 1
        assert after["reserved"] == 0


@pytest.fixture(params=["redis", "rabbitmq"])
def scene(
    request: pytest.FixtureRequest, cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr
) -> Iterator[Scene]:
    """All of it; the front has its own keys of responders."""
    broker = redis_broker if request.param == "redis" else request.getfixturevalue("rabbitmq_broker")
    own: dict[str, Any] = {"front_ocsp": {"backend": "storages"}, "deadline": DEADLINE}
    with apart(cluster, redis_broker, broker, tmp_path, **own) as (hosts, front, back):
        (hosts.folder / "a.csr").write_bytes(make_csr())
        with running_worker(hosts) as worker:
            hosts.run("init-ca", "Root", "CN=Root")
            yield Scene(hosts, front, back, worker)


how = pytest.mark.parametrize("how", ["down", "unplugged"])


@how
def test_a_host_that_is_cut_off_reserves_nothing(scene: Scene, how: str) -> None:
    with scene.front.cut_off(how):
        refused = scene.sign()
    assert refused.returncode == LedgerError.exit_code
    assert "check that the database is reachable" in refused.stderr
    assert scene.statuses() == Counter(issued=1)
    scene.check_goes_on()


@how
def test_a_worker_that_is_cut_off_does_nothing(scene: Scene, how: str) -> None:
    with scene.back.cut_off(how):
        refused = scene.sign()
    assert refused.returncode == BackendUnreachedError.exit_code
    assert f"no worker has taken the request within {DEADLINE} s, so nothing was done" in refused.stderr
    scene.check_goes_on()


@how
@pytest.mark.parametrize("seconds", [0, DEADLINE + 3], ids=["for a moment", "for long"])
@pytest.mark.parametrize("host", ["front", "back"])
def test_cut_off_while_a_worker_is_at_it(scene: Scene, how: str, seconds: float, host: str) -> None:
    before = scene.worker.log.count("received")
    cut: Namespace = getattr(scene, host)
    with ThreadPoolExecutor(1) as pool:
        with scene.held():
            asked = pool.submit(scene.sign)
            wait_until(lambda: scene.worker.log.count("received") > before, 10, "the worker has received nothing")
            with cut.cut_off(how):
                time.sleep(1)
        with cut.cut_off(how) if seconds else nullcontext():
            time.sleep(seconds)
            if host == "front" and seconds:
                wait_until(asked.done, 100, "the command does not end")
        done = asked.result(100)
    print(done.stderr)
    if seconds == 0:
        assert done.returncode == 0
    elif host == "front":
        assert done.returncode == LedgerError.exit_code
        assert "may have been signed" in done.stderr
    else:
        assert done.returncode in (BackendFailedError.exit_code, BackendUnreachedError.exit_code)
        assert ("may have been signed" in done.stderr) == (done.returncode == BackendFailedError.exit_code)
    scene.check_goes_on()


def test_serve_goes_on(scene: Scene) -> None:
    port = free_port()
    hosts, front = scene.hosts, scene.front
    ask = [*front.prefix, program("curl"), "--silent", "--fail", "--max-time", "15", f"http://127.0.0.1:{port}/readyz"]
    hosts.run("maintain")

    def is_ready() -> bool:
        return subprocess.run(ask, capture_output=True, check=False).returncode == 0

    with subprocess.Popen(
        hosts.command("front", "serve", f"--port={port}"),
        env=hosts.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_until(is_ready, 20, "serve is not ready")
            with front.cut_off("unplugged"):
                assert not is_ready()
                time.sleep(DEADLINE)
            wait_until(is_ready, BACK_WITHIN, "serve does not come back")
            assert server.poll() is None
        finally:
            server.terminate()
    scene.check_goes_on()
