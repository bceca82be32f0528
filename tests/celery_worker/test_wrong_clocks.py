"""Workers whose clocks are two minutes apart take requests of the same queue: each is signed once."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from anchorhold.operations.order import Order
from celery_worker.two_hosts import new_hosts, running_worker
from programs import program

if TYPE_CHECKING:
    from pathlib import Path

    from celery_worker.brokers import Broker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="hosts and worker share a database of their own")


@pytest.mark.parametrize("shift", ["-120s", "+120s"])
def test_each_request_is_done_once(
    cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr, shift: str
) -> None:
    order = Order(csr=make_csr(), names=["a.example"])
    with new_hosts(cluster, redis_broker, tmp_path, worker={"redelivery": 5}) as hosts, hosts.open() as front:
        front.ledger.close()
        crooked = (program("faketime"), "-f", shift, *hosts.command("back", "worker"))
        with running_worker(hosts) as one, running_worker(hosts, *crooked, name="crooked") as other:
            front.authorities.create("Root", "CN=Root")
            with front.certificates.issuer("Root") as issuer:
                serials = {issuer.sign(order).serial for _ in range(20)}
                assert len(issuer.sign_many([order] * 300)) == 300
            (made,) = front.crls.generate("Root")
            assert front.maintenance.run("Root").failures == ()
            front.crls.generate("Root")
        assert len(serials) == 20
        assert made.number
        done = Counter(re.findall(r"id=(\S+) outcome=done", one.log + other.log))
        assert set(done.values()) == {1}
        assert "outcome=done" in one.log
        assert "outcome=done" in other.log
