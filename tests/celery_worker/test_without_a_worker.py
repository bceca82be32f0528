"""A worker that ends finishes what it has begun; `serve` goes on with its own OCSP keys while none runs."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from anchorhold.errors import BackendUnreachedError
from anchorhold.operations.order import Order
from celery_worker.brokers import wait_until
from celery_worker.two_hosts import TwoHosts, new_hosts, running_worker
from programs import openssl
from storages.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="hosts and worker share a database of their own")


@pytest.fixture
def own(cluster: Cluster, redis_broker: Broker, tmp_path: Path) -> Iterator[TwoHosts]:
    """Hosts of which the one in front has its own keys of responders."""
    with new_hosts(cluster, redis_broker, tmp_path, front_ocsp={"backend": "storages"}) as hosts:
        yield hosts


@contextmanager
def serving(hosts: TwoHosts, port: int) -> Iterator[str]:
    """`serve` on the front, once it is ready; its URL."""
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        hosts.command("front", "serve", f"--port={port}"),
        env=hosts.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_until(lambda: is_ready(url), 20, "serve is not ready")
            yield url
        finally:
            server.terminate()


def is_ready(url: str) -> bool:
    """Whether all that it serves is good."""
    try:
        return httpx.get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def test_serve_goes_on_while_no_worker_runs(own: TwoHosts, make_csr: MakeCsr) -> None:
    port = free_port()
    (own.folder / "a.csr").write_bytes(make_csr())
    with running_worker(own):
        own.run("init-ca", "Root", "CN=Root", f"--hostname=localhost:{port}", "--out=root.pem")
        own.run("sign-cert", "--ca=Root", "--csr=a.csr", "--alt=a.example", "--out=a.pem")
    with serving(own, port) as url:
        root, leaf = own.folder / "root.pem", own.folder / "a.pem"
        told = openssl("ocsp", "-issuer", root, "-cert", leaf, "-url", f"{url}/ocsp", "-CAfile", root)
        assert "a.pem: good" in told
        refused = own.run("--timeout=2", "sign-cert", "--ca=Root", "--csr=a.csr", "--alt=b.example", check=False)
        assert refused.returncode == BackendUnreachedError.exit_code
        assert is_ready(url)


def test_a_worker_that_is_told_to_end_finishes_its_request(own: TwoHosts, make_csr: MakeCsr) -> None:
    with running_worker(own) as worker, own.open() as front, ThreadPoolExecutor(1) as caller:
        front.authorities.create("Root", "CN=Root")

        def sign() -> str:
            try:
                return front.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"])).serial
            finally:
                front.ledger.close()

        before = worker.log.count("received")
        with psycopg.connect(own.database) as connection:
            connection.execute("LOCK TABLE anchorhold_celery_request IN ACCESS EXCLUSIVE MODE")
            asked = caller.submit(sign)
            wait_until(lambda: worker.log.count("received") > before, 10, "the worker has received nothing")
            worker.process.terminate()
            wait_until(lambda: "Warm shutdown" in worker.log, 10, "the worker was not told to end")
            assert worker.process.poll() is None
        assert asked.result(20)
        assert worker.process.wait(20) == 0
