"""A worker whose process takes nothing more begins again by itself."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from anchorhold.operations.order import Order
from celery_worker.two_hosts import TwoHosts, running_worker
from databases import new_database

if TYPE_CHECKING:
    from pathlib import Path

    from celery_worker.brokers import Broker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = [
    pytest.mark.databases(because="both hosts have a ledger of their own"),
    pytest.mark.slow(because="a request is stuck for 20 seconds"),
]


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_what_no_process_takes_is_done_after_a_new_beginning(
    kind: str, request: pytest.FixtureRequest, cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr
) -> None:
    results = redis_broker.separate()
    broker = results if kind == "redis" else request.getfixturevalue("rabbitmq_broker").url
    with new_database(cluster.url) as url:
        hosts = TwoHosts(tmp_path / "hosts", url, broker, results, deadline=90, worker={"redelivery": 5})
        with running_worker(hosts) as worker, hosts.open() as front:
            front.authorities.create("Root", "CN=Root")
            (child,) = worker.children()
            os.kill(child, signal.SIGSTOP)
            front.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"]))
            assert worker.process.poll() is None
            assert child not in worker.children()
            assert "the worker begins again" in worker.log
            front.certificates.sign("Root", Order(csr=make_csr(), names=["b.example"]))
