"""A worker counts what it does in files; `serve` shows on the other host that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.operations.order import Order
from celery_worker.brokers import wait_until
from celery_worker.two_hosts import new_hosts, running_worker

if TYPE_CHECKING:
    from pathlib import Path

    from celery_worker.brokers import Broker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="hosts and worker share a database of their own")


def test_each_process_writes_its_counters(
    cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    with new_hosts(cluster, redis_broker, tmp_path, worker={"metrics": str(folder)}) as hosts:
        with running_worker(hosts), hosts.open() as front:
            front.authorities.create("Root", "CN=Root")
            with front.certificates.issuer("Root") as issuer:
                issuer.sign(Order(csr=make_csr(), names=["a.example"]))
        written = folder / "anchorhold-worker-strongroom-1.prom"  # when it has ended
        wait_until(written.exists, 10, "the worker has written no metrics")
    lines = written.read_text().splitlines()
    process = 'process="1"'
    asked = f'operation="create_key",outcome="done",{process},worker="strongroom"'
    assert f"anchorhold_worker_requests_total{{{asked}}} 1.0" in lines
    signed = [line for line in lines if line.startswith("anchorhold_worker_signatures_total{")]
    assert [line.rpartition(" ")[0] for line in signed] == [
        f'anchorhold_worker_signatures_total{{alias="default",{process},role="ca",worker="strongroom"}}'
    ]
    assert float(signed[0].split()[-1]) >= 2
