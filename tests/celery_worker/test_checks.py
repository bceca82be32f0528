"""`config check` on a host without keys: whether it reaches a worker, and what that says of its keys."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import psycopg
import pytest

from celery_worker.two_hosts import TwoHosts, running_worker
from databases import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="hosts and worker share a database of their own")


@pytest.fixture
def own(cluster: Cluster, redis_broker: Broker, tmp_path: Path) -> Iterator[TwoHosts]:
    """Hosts whose ledger is empty."""
    with new_database(cluster.url) as url:
        broker = redis_broker.separate()
        yield TwoHosts(tmp_path / "hosts", url, broker, broker)


def test_a_worker_says_what_is_wrong_with_its_place(own: TwoHosts) -> None:
    with running_worker(own):
        own.run("init-ca", "Root", "CN=Root")
        assert "worker" not in own.run("config", "check").stdout
        keys = own.folder / "back/ca"
        shutil.rmtree(keys)
        keys.write_text("a file in place of the folder")
        wrong = own.run("config", "check", check=False)
    assert wrong.returncode != 0
    assert "the worker says: " in wrong.stderr
    alone = own.run("config", "check")
    assert "no worker has answered within 5 s" in alone.stdout + alone.stderr


def test_nothing_is_made_where_no_worker_has_run(own: TwoHosts) -> None:
    done = own.run("config", "check")
    assert "none has run with this ledger" in done.stdout + done.stderr
    with psycopg.connect(own.database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert not tables
