"""A worker logs one line for each request: who asked for what, and what came of it; nothing of what is signed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from anchorhold.operations.order import Order
from anchorhold_celery.messages import seal
from anchorhold_celery.worker.request_trace import RequestTrace
from celery_worker.brokers import wait_until
from celery_worker.two_hosts import new_hosts, running_worker
from celery_worker.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

    from celery_worker.brokers import Broker
    from celery_worker.two_hosts import Worker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


def lines(worker: Worker) -> list[dict[str, str]]:
    """What is said of each request, by name."""
    found = [line.partition("request: ")[2] for line in worker.log.splitlines() if "] request: " in line]
    return [dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)) for line in found]


def test_each_request_is_one_line(cluster: Cluster, redis_broker: Broker, tmp_path: Path, make_csr: MakeCsr) -> None:
    with new_hosts(cluster, redis_broker, tmp_path) as hosts, hosts.open() as front:
        front.ledger.close()
        with running_worker(hosts) as worker:
            front.authorities.create("Root", "CN=Root")
            csr = make_csr()
            before = len(lines(worker))
            with front.certificates.issuer("Root") as issuer:
                issued = issuer.sign(Order(csr=csr, names=["secret.example"]))
                issuer.sign_many([Order(csr=csr, names=[f"{number}.secret.example"]) for number in range(3)])
            wire = Wire(hosts, front)
            (record,) = front.ledger.certificates.find(issued.serial)
            root = front.authorities.get("Root")
            wire.ask(wire.request("sign", wire.signature(root, record.tbs or b"", issued.serial)))
            late = wire.request("check_place", {}, deadline=wire.now() - 1)
            wire.post(seal(late.to_body(), hosts.peer_key, "request"))
            wire.post("no message")
            wait_until(lambda: len(lines(worker)) - before >= 5, 10, "not all requests were logged")
        one, many, again, too_late, unreadable = lines(worker)[before:]
    asked = {"operation": "sign", "peer": "web", "alias": "default", "role": "ca"}
    assert asked.items() <= one.items()
    assert (one["authority"], one["serial"], one["outcome"], one["signed"]) == ("Root", issued.serial, "done", "1/1")
    assert int(one["ms"]) >= 0
    assert "errors" not in one
    assert (many["outcome"], many["signed"]) == ("done", "3/3")
    assert (again["outcome"], again["signed"], again["errors"]) == ("failed", "0/1", "signature-not-intended:1")
    assert (too_late["operation"], too_late["peer"], too_late["outcome"]) == ("check_place", "web", "refused")
    assert (unreadable["peer"], unreadable["outcome"], unreadable["operation"]) == ("unknown", "refused", "unknown")
    assert "secret.example" not in worker.log


def test_no_value_ends_a_line_or_another_value(caplog: pytest.LogCaptureFixture) -> None:
    trace = RequestTrace(outcome="failed", why='a "word"\nrequest: outcome=done \u2028 \x1b[2J')
    trace.write()
    (record,) = caplog.records
    assert record.getMessage().endswith('why="a \\"word\\"\\nrequest: outcome=done \\u2028 \\u001b[2J"')
    assert record.levelname == "WARNING"
