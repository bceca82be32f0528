"""A request that Redis delivers again while a worker is still at it is done by that one alone."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
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


@pytest.mark.parametrize("fate", [signal.SIGCONT, signal.SIGKILL])
def test_a_process_that_stands_still_is_waited_for(
    cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr, fate: signal.Signals
) -> None:
    order = Order(csr=make_csr(), names=["a.example"])
    with (
        new_hosts(cluster, redis_broker, tmp_path, deadline=30, worker={"redelivery": 2}) as hosts,
        hosts.open() as front,
        running_worker(hosts, name="slow") as slow,
        ThreadPoolExecutor(1) as caller,
    ):

        def sign() -> str:
            try:
                return front.certificates.sign("Root", order).serial
            finally:
                front.ledger.close()

        front.authorities.create("Root", "CN=Root")
        (child,) = slow.children()
        before = slow.log.count("received")
        with psycopg.connect(hosts.database) as connection:
            connection.execute("LOCK TABLE anchorhold_celery_intent IN ACCESS EXCLUSIVE MODE")
            asked = caller.submit(sign)
            wait_until(lambda: slow.log.count("received") > before, 10, "the worker has received nothing")
            wait_until(lambda: begun(hosts.database), 10, "the worker has not begun")
            os.kill(child, signal.SIGSTOP)
        with running_worker(hosts, name="other") as other:
            if fate == signal.SIGCONT:
                wait_until(lambda: "outcome=under-way" in other.log, 20, "nothing was delivered again")
            os.kill(child, fate)
            assert asked.result(30)
        done = re.findall(r"serial=\S+ id=\S+ outcome=done", slow.log + other.log)
        assert len(done) == len(set(done)) == 2, "of the root, and of this one"


def begun(database: str) -> bool:
    """Whether a worker is at a request."""
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT id FROM anchorhold_celery_request WHERE state = 'begun'").fetchall()
    return bool(rows)
