"""Two hosts in network namespaces, which share nothing but a ledger, a broker and a result backend."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg

from celery_worker.brokers import PASSWORD
from celery_worker.namespaces import namespace
from celery_worker.two_hosts import TwoHosts
from databases import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from celery_worker.brokers import Broker
    from celery_worker.namespaces import Namespace
    from postgresql_cluster import Cluster


@contextmanager
def apart(
    cluster: Cluster, redis: Broker, broker: Broker, folder: Path, hidden: Sequence[Path] = (), **others: Any
) -> Iterator[tuple[TwoHosts, Namespace, Namespace]]:
    """Both hosts, and the namespaces of the one in front and of the one with the keys.

    Args:
        cluster: Where the ledger is.
        redis: Keeps answers.
        broker: Keeps requests.
        folder: Theirs is below it.
        hidden: Folders that the host in front does not see either.
        others: Of `TwoHosts`.
    """
    ports, home = sorted({cluster.port, redis.port, broker.port}), folder / "hosts"
    with keeper(cluster), new_database(cluster.url) as url:
        name = urlsplit(url).path
        with psycopg.connect(url) as connection:
            connection.execute(f'ALTER DATABASE "{name[1:]}" OWNER TO keeper'.encode())
        results = redis.separate()
        hosts = TwoHosts(home, url, results if broker is redis else broker.url, results, **others)
        with (
            namespace(1, ports, [home / "back", *hidden, cluster.folder]) as front,
            namespace(2, ports, [home / "front", cluster.folder]) as back,
        ):
            hosts.prefixes = {"front": front.prefix, "back": back.prefix}
            for place, host in (("front", front), ("back", back)):
                settle(hosts, place, host, cluster.port, name)
            yield hosts, front, back


@contextmanager
def keeper(cluster: Cluster) -> Iterator[None]:
    """A role that logs in with a password."""
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'".encode())
        yield
        connection.execute(b"DROP ROLE keeper")


def settle(hosts: TwoHosts, place: str, host: Namespace, port: int, database: str) -> None:
    """Write the addresses that hold on a host."""
    folder = hosts.folder / place
    for file in ("broker", "results"):
        (folder / file).write_text((folder / file).read_text().replace("127.0.0.1", host.services))
    url = f"postgresql://keeper:{PASSWORD}@{host.services}:{port}{database}"
    (folder / "ledger").write_text(url)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text().replace(f'"{hosts.database}"', '{ file = "ledger" }'))
