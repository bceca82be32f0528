"""Fixtures of workers: Redis, RabbitMQ, workers. The default run has the tests `USUAL`, `nox -s worker` all of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from celery_worker.brokers import Broker, running_rabbitmq, running_redis
from celery_worker.two_hosts import TwoHosts, Worker, new_hosts, running_worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from postgresql_cluster import Cluster


HERE: Final = Path(__file__).parent
USUAL: Final = ("test_forged_requests.py", "test_signing_once.py", "test_two_hosts.py", "test_what_is_lent.py")
"""What a worker must never do, and the commands of a host over Redis."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave most of the folder out of other runs than `nox -s worker`."""
    is_long = collection_path.name.startswith("test_") and collection_path.name not in USUAL
    return True if collection_path.parent == HERE and is_long and not os.environ.get("ANCHORHOLD_WORKER") else None


@pytest.fixture(scope="session")
def redis_broker() -> Iterator[Broker]:
    """A Redis that tests share, and do not stop."""
    with running_redis() as broker:
        yield broker


@pytest.fixture(scope="session")
def rabbitmq_broker() -> Iterator[Broker]:
    """A RabbitMQ that tests share, and do not stop."""
    with running_rabbitmq() as broker:
        yield broker


@pytest.fixture(scope="module")
def hosts(cluster: Cluster, redis_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoHosts]:
    """Two hosts over Redis that the tests of a module share, with a ledger of their own."""
    with new_hosts(cluster, redis_broker, tmp_path_factory.mktemp("shared")) as made:
        yield made


@pytest.fixture(scope="module")
def worker(hosts: TwoHosts) -> Iterator[Worker]:
    """A worker on the host with the keys."""
    with running_worker(hosts) as running:
        yield running


@pytest.fixture(scope="module")
def front(hosts: TwoHosts) -> Iterator[Installation]:
    """The host that asks, with a root that a worker has made; no worker runs afterwards."""
    with hosts.open() as opened:
        opened.ledger.close()
        with running_worker(hosts):
            opened.authorities.create("Root", "CN=Root")
        yield opened
