"""Six parts are killed, or stand still, again and again while certificates are issued: nothing that was issued is lost.

``ANCHORHOLD_KILLS`` says how often, of all parts together.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509

from celery_worker.brokers import running_rabbitmq, running_redis, wait_until
from celery_worker.two_hosts import TwoHosts, running_worker
from databases import new_database
from postgresql_cluster import running_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from celery_worker.two_hosts import Worker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = [
    pytest.mark.databases(because="both hosts share a ledger in a cluster that is stopped"),
    pytest.mark.slow(because="each part is killed and comes back, and certificates are issued again"),
    pytest.mark.timeout(0),
]
KILLS: Final = int(os.environ.get("ANCHORHOLD_KILLS", "12"))
DEADLINE: Final = 5
"""Seconds for which the caller waits; a part stands still for longer."""
BACK_WITHIN: Final = 90
"""Seconds within which certificates are issued again after a part has come back."""


@dataclass
class Scene:
    """All six parts: caller, worker and its child, broker, result backend, database."""

    hosts: TwoHosts
    cluster: Cluster
    broker: Broker
    results: Broker
    log: Path
    stack: ExitStack
    worker: Worker
    caller: subprocess.Popen[bytes] | None = None

    def call(self) -> None:
        """Start the caller."""
        command = [sys.executable, "-m", "celery_worker.caller", str(self.hosts.folder / "front/settings.toml")]
        arguments = [str(self.hosts.folder / "a.csr"), str(self.log)]
        tests = {"PYTHONPATH": os.pathsep.join(sys.path)}
        self.caller = subprocess.Popen([*command, *arguments], env=self.hosts.environment | tests)

    def end(self) -> None:
        """End the caller, if it has not ended."""
        if self.caller is not None:
            self.caller.kill()
            self.caller.wait()

    def lines(self) -> list[str]:
        """What the callers have been told; the last line of one that was killed may be cut off."""
        return self.log.read_text().splitlines()

    def issued(self) -> int:
        """How many certificates."""
        return sum(line.startswith("issued ") for line in self.lines())

    def seconds_until_issued(self) -> float:
        """How long it takes until one more certificate is issued."""
        before, begun = self.issued(), time.monotonic()
        wait_until(lambda: self.issued() > before, BACK_WITHIN, "nothing is issued any more")
        return time.monotonic() - begun


def kill_caller(at: Scene) -> None:
    """The command of a person."""
    assert at.caller is not None
    at.caller.kill()
    at.caller.wait()
    at.call()


def kill_worker(at: Scene) -> None:
    """The whole worker; its supervisor starts it again."""
    at.worker.kill()
    at.worker = at.stack.enter_context(running_worker(at.hosts))


def kill_child(at: Scene) -> None:
    """The processes that sign."""
    for child in at.worker.children():
        os.kill(child, signal.SIGKILL)


def kill_broker(at: Scene) -> None:
    """RabbitMQ, which keeps requests."""
    at.broker.kill()
    at.broker.start()


def kill_results(at: Scene) -> None:
    """Redis, which keeps answers."""
    at.results.kill()
    at.results.start()


def kill_database(at: Scene) -> None:
    """PostgreSQL: all of its processes, without a checkpoint."""
    at.cluster.stop("immediate")
    at.cluster.start()


PARTS: Final[dict[str, Callable[[Scene], None]]] = {
    "caller": kill_caller,
    "worker": kill_worker,
    "child": kill_child,
    "broker": kill_broker,
    "result backend": kill_results,
    "database": kill_database,
}


def processes_of(at: Scene, part: str) -> list[int]:
    """All processes of a part."""
    assert at.caller is not None
    first = {
        "caller": at.caller.pid,
        "worker": at.worker.process.pid,
        "broker": at.broker.running.pid if at.broker.running else 0,
        "result backend": at.results.running.pid if at.results.running else 0,
        "database": int((at.cluster.folder / "data/postmaster.pid").read_text().split()[0]),
    }
    return at.worker.children() if part == "child" else [first[part], *below(first[part])]


def below(process: int) -> list[int]:
    """All processes that a process has started."""
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False).stdout.split()
    return [number for child in map(int, found) for number in (child, *below(child))]


def stand_still(at: Scene, part: str) -> None:
    """Stop a part until callers have given up what they wait for, and let it go on."""
    stopped = processes_of(at, part)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for process in stopped:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        if number == signal.SIGSTOP:
            time.sleep(DEADLINE + 2)


@contextmanager
def scene(folder: Path, csr: bytes) -> Iterator[Scene]:
    """All parts, with a root, and a caller at work."""
    with ExitStack() as stack:
        results = stack.enter_context(running_redis("--appendonly", "yes", "--appendfsync", "always"))
        broker = stack.enter_context(running_rabbitmq())
        cluster = stack.enter_context(running_cluster(name="kills"))
        url = stack.enter_context(new_database(cluster.url))
        hosts = TwoHosts(folder / "hosts", url, broker.url, results.url, deadline=DEADLINE)
        (hosts.folder / "a.csr").write_bytes(csr)
        worker = stack.enter_context(running_worker(hosts))
        hosts.run("init-ca", "Root", "CN=Root")
        at = Scene(hosts, cluster, broker, results, folder / "log", stack, worker)
        at.log.touch()
        at.call()
        try:
            yield at
        finally:
            at.end()


def check(at: Scene) -> Counter[str]:
    """What callers were told is in the ledger, under one serial number each; what was left open can be closed."""
    lines = at.lines()
    defects = [line for line in lines if line.startswith("defect ")]
    assert not defects
    told = [bytes.fromhex(line.split()[1]) for line in lines if line.startswith("issued ")]
    with at.hosts.open() as front:
        front.recovery.abandon_certificates(front.recovery.pending(dt.timedelta(0)).certificates)
        assert front.recovery.pending(dt.timedelta(0)).certificates == ()
        root = front.authorities.get("Root").certificate
        rows = front.ledger.database.execute_sql(
            "SELECT serial, status, certificate FROM anchorhold_certificate ORDER BY id"
        ).fetchall()
    recorded = {serial: bytes(der) for serial, status, der in rows if status == "issued"}
    for der in told:
        assert recorded[f"{x509.load_der_x509_certificate(der).serial_number:x}"] == der
    for der in recorded.values():
        x509.load_der_x509_certificate(der).verify_directly_issued_by(root)
    assert len({serial for serial, _, _ in rows}) == len(rows)
    assert len(set(told)) == len(told)
    statuses = Counter(status for _, status, _ in rows)
    failures = Counter(line.split()[1] for line in lines if line.startswith("failed "))
    return Counter({"told": len(told)}) + statuses + failures


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_nothing_is_lost(how: str, tmp_path: Path, make_csr: MakeCsr) -> None:
    chosen = random.Random(18)  # noqa: S311
    hit = Counter[str]()
    slowest = 0.0
    with scene(tmp_path, make_csr()) as at:
        at.seconds_until_issued()
        for number in range(KILLS):
            time.sleep(chosen.uniform(0, 0.4))
            part = list(PARTS)[number % len(PARTS)]
            if how == "killed":
                PARTS[part](at)
            else:
                stand_still(at, part)
            hit[part] += 1
            slowest = max(slowest, at.seconds_until_issued())
        assert at.caller is not None
        at.caller.terminate()
        assert at.caller.wait(60) == 0
        found = check(at)
    print(f"{how}: {dict(hit)}; came of it: {dict(found)}; issued again after at most {slowest:.1f} s")
