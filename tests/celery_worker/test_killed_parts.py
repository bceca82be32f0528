"""A part is killed in the middle of 100 signatures: nothing that was issued is lost, and each caller knows."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold.errors import AnchorholdError, BackendFailedError
from anchorhold.operations.order import Order
from celery_worker.brokers import running_rabbitmq, running_redis, wait_until
from celery_worker.two_hosts import TwoHosts, running_worker
from databases import new_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from celery_worker.brokers import Broker
    from celery_worker.two_hosts import Worker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = [
    pytest.mark.databases(because="both hosts have a ledger of their own"),
    pytest.mark.slow(because="a broker, a worker and 100 signatures for each case"),
    pytest.mark.timeout(200),
]

SIGNATURES = 100
IN_THE_MIDDLE = 30


@dataclass
class Scene:
    """What is running, and what came of it."""

    hosts: TwoHosts
    front: Installation
    broker: Broker
    stack: ExitStack
    worker: Worker
    issued: list[bytes] = field(default_factory=list)
    errors: list[AnchorholdError] = field(default_factory=list)
    attempted: Event = field(default_factory=Event)


@contextmanager
def scene(kind: str, cluster: Cluster, folder: Path) -> Iterator[Scene]:
    """A broker of one's own, a worker, a root."""
    with ExitStack() as stack:
        results = stack.enter_context(running_redis("--appendonly", "yes", "--appendfsync", "always"))
        broker = stack.enter_context(running_rabbitmq()) if kind == "rabbitmq" else results
        url = stack.enter_context(new_database(cluster.url))
        hosts = TwoHosts(folder / "hosts", url, broker.url, results.url, deadline=25, worker={"redelivery": 2})
        front = stack.enter_context(hosts.open())
        front.ledger.close()
        worker = stack.enter_context(running_worker(hosts))
        front.authorities.create("Root", "CN=Root")
        yield Scene(hosts, front, broker, stack, worker)


def kill_child(at: Scene) -> None:
    """The process that signs."""
    for child in at.worker.children():
        os.kill(child, signal.SIGKILL)


def kill_worker(at: Scene) -> None:
    """The whole worker; another one takes its place."""
    at.worker.kill()
    at.stack.enter_context(running_worker(at.hosts, name="second"))


def kill_broker(at: Scene) -> None:
    """The broker, which comes back with what it has written."""
    at.broker.kill()
    at.broker.start()


KILLS = {"child": kill_child, "worker": kill_worker, "broker": kill_broker}


def sign_100(at: Scene, csr: bytes) -> None:
    """One certificate after the other, whatever happens."""
    with at.front.certificates.issuer("Root") as issuer:
        for number in range(SIGNATURES):
            try:
                at.issued.append(issuer.sign(Order(csr=csr, names=[f"{number}.example"])).der)
            except AnchorholdError as error:
                at.errors.append(error)
            if number == IN_THE_MIDDLE:
                at.attempted.set()
    at.front.close()


def check(at: Scene) -> None:
    """What the ledger has is what callers have, and nothing is left open."""
    root = at.front.authorities.get("Root")
    records = {record.serial: record for record in at.front.certificates.list("Root", limit=1000)}
    for der in at.issued:
        certificate = x509.load_der_x509_certificate(der)
        certificate.verify_directly_issued_by(root.certificate)
        assert records[f"{certificate.serial_number:x}"].certificate == der
    assert len(records) == len(at.issued) + 1  # the root
    assert len(at.issued) + len(at.errors) == SIGNATURES
    assert all(isinstance(error, BackendFailedError) for error in at.errors), at.errors
    database = at.front.ledger.database
    (open_rows,) = database.execute_sql(
        "SELECT count(*) FROM anchorhold_certificate WHERE status = 'reserved'"
    ).fetchone()
    assert open_rows == 0


@pytest.mark.parametrize(
    ("kind", "kill"),
    [
        ("redis", "child"),
        *(
            pytest.param(kind, kill, marks=pytest.mark.only_in_full(because="one kill of another part is tried"))
            for kind, kill in (
                ("redis", "worker"),
                ("redis", "broker"),
                ("rabbitmq", "child"),
                ("rabbitmq", "worker"),
                ("rabbitmq", "broker"),
            )
        ),
    ],
)
def test_nothing_issued_is_lost(kind: str, kill: str, cluster: Cluster, tmp_path: Path, make_csr: MakeCsr) -> None:
    with scene(kind, cluster, tmp_path) as at:
        signing = Thread(target=sign_100, args=(at, make_csr()))
        signing.start()
        assert at.attempted.wait(60)
        action: Callable[[Scene], None] = KILLS[kill]
        action(at)
        signing.join(150)
        assert not signing.is_alive()
        print(f"{kind}, {kill} killed: {len(at.issued)} issued, {[str(error) for error in at.errors]}")
        check(at)
        wait_until(lambda: at.broker.answers(), 10, "the broker is gone")
