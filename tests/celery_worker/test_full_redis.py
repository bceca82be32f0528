"""A Redis that is full: the host says so, what was signed is not lost, and all goes on when there is room again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

from anchorhold.errors import BackendUnreachedError
from anchorhold.operations.order import Order
from celery_worker.brokers import running_redis, wait_until
from celery_worker.two_hosts import new_hosts, running_worker

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="hosts and worker share a database of their own")


def test_nothing_is_lost(cluster: Cluster, tmp_path: Path, make_csr: MakeCsr) -> None:
    order = Order(csr=make_csr(), names=["a.example"])
    with (
        running_redis("--save", "", "--maxmemory", "50mb", "--maxmemory-policy", "noeviction") as broker,
        new_hosts(cluster, broker, tmp_path, deadline=6) as hosts,
        hosts.open() as front,
    ):
        server: Any = redis.Redis.from_url(broker.url)

        def sign() -> str:
            try:
                return front.certificates.sign("Root", order).serial
            finally:
                front.ledger.close()

        with running_worker(hosts) as worker, ThreadPoolExecutor(1) as caller:
            front.authorities.create("Root", "CN=Root")
            server.config_set("maxmemory", 1_000_000)
            with pytest.raises(BackendUnreachedError, match="refuses to keep what it is given"):
                sign()
            server.config_set("maxmemory", "50mb")
            assert sign()
            before = worker.log.count("received")
            with psycopg.connect(hosts.database) as connection:
                connection.execute("LOCK TABLE anchorhold_celery_request IN ACCESS EXCLUSIVE MODE")
                asked = caller.submit(sign)
                wait_until(lambda: worker.log.count("received") > before, 5, "the worker has received nothing")
                server.config_set("maxmemory", 1_000_000)
            assert asked.result(20), "the answer is in the ledger"
            server.config_set("maxmemory", "50mb")
        with running_worker(hosts, name="again"):  # as systemd starts it
            assert sign()
