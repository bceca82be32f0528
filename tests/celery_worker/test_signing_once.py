"""With `sign_once` a certificate that may have been signed is never signed again."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.operations.order import Order
from anchorhold_celery.messages import seal
from anchorhold_celery.request_table import KnownRequest
from anchorhold_celery.worker.application import Process
from anchorhold_celery.worker.intended import once, wanted_of
from celery_worker.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from anchorhold_celery.messages import Request
    from anchorhold_celery.worker.runtime import Runtime
    from celery_worker.two_hosts import TwoHosts
    from conftest import MakeCsr

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


@pytest.fixture
def runtime(hosts: TwoHosts, front: Installation, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """What a process of the worker does, in this one."""
    hosts.worker = {"sign_once": request.param}
    hosts.write()
    running = Process(hosts.folder / "back/settings.toml", environment=hosts.environment).open()
    yield running
    running.close()


@pytest.fixture
def wire(hosts: TwoHosts, front: Installation) -> Wire:
    """Makes requests."""
    return Wire(hosts, front)


@pytest.fixture
def content(wire: Wire, front: Installation, make_csr: MakeCsr) -> dict[str, Any]:
    """Asks for a certificate that is reserved."""
    root = front.authorities.get("Root")
    request = front.requests.submit(root, Order(csr=make_csr(), names=["a.example"]))
    serial = front.requests.reserve(request.id).serial or ""
    (record,) = front.ledger.certificates.find(serial, root.record.id)
    return wire.signature(root, record.tbs or b"", serial)


def answered(runtime: Runtime, wire: Wire, request: Request, *, redelivered: bool = False) -> dict[str, Any] | None:
    """The only outcome of a request; None if there was no answer."""
    message = seal(request.to_body(), wire.hosts.peer_key, "request")
    reply = runtime.answer(message, redelivered=redelivered)
    outcome: dict[str, Any] | None = None
    if reply is not None:
        outcome = json.loads(json.loads(reply)["body"])["answer"]["outcomes"][0]
    return outcome


@pytest.mark.parametrize("runtime", [True, False], indirect=True)
def test_another_request_does_not_have_the_same_certificate_signed_again(
    runtime: Runtime, wire: Wire, content: dict[str, Any]
) -> None:
    assert "signature" in (answered(runtime, wire, wire.request("sign", content)) or {})
    second = answered(runtime, wire, wire.request("sign", content)) or {}
    assert second["error"]["code"] == "backend-failed"
    assert "may have been signed before" in second["error"]["problem"]


@pytest.mark.parametrize("runtime", [True, False], indirect=True)
def test_what_was_taken_back_can_be_asked_for_again(runtime: Runtime, wire: Wire, content: dict[str, Any]) -> None:
    (wanted,), _ = wanted_of(wire.request("sign", content))
    subject = once(wanted)
    assert wire.requests.intend([subject], "one", once=False) == []
    assert wire.requests.intend([subject], "another", once=False) == [subject]
    wire.requests.renounce([subject])  # as a refusal by a wrapper does
    assert "signature" in (answered(runtime, wire, wire.request("sign", content)) or {})


@pytest.mark.parametrize("runtime", [True, False], indirect=True)
def test_two_requests_at_once_have_one_signature(
    runtime: Runtime, hosts: TwoHosts, wire: Wire, content: dict[str, Any]
) -> None:
    requests = [wire.request("sign", content) for _ in range(6)]

    def run(request: Request) -> bool:
        with closing(Process(hosts.folder / "back/settings.toml", environment=hosts.environment)) as process:
            return "signature" in (answered(process.open(), wire, request) or {})

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(run, requests)) == 1


@pytest.mark.parametrize(("runtime", "again"), [(True, False), (False, True)], indirect=["runtime"])
def test_a_request_that_a_killed_worker_had_begun(
    runtime: Runtime, wire: Wire, front: Installation, content: dict[str, Any], again: bool
) -> None:
    request = wire.request("sign", content)
    wire.requests.begin(request.id, durable=True)
    (wanted,), _ = wanted_of(request)
    assert wire.requests.intend([once(wanted)], request.id, once=not again) == []
    front.ledger.close()  # as the connection of a process that is killed
    outcome = answered(runtime, wire, request, redelivered=True) or {}
    assert ("signature" in outcome) is again


@pytest.mark.parametrize("runtime", [True, False], indirect=True)
def test_a_request_that_another_process_is_at_is_left_to_it(
    runtime: Runtime, wire: Wire, content: dict[str, Any]
) -> None:
    request = wire.request("sign", content)
    wire.requests.begin(request.id, durable=True)  # on a connection that stays open
    assert answered(runtime, wire, request, redelivered=True) is None
    assert wire.requests.find(request.id) == KnownRequest("begun", None)
    reply = seal(request.to_body(), wire.hosts.peer_key, "reply")
    wire.requests.finish(request.id, reply)
    assert runtime.answer(seal(request.to_body(), wire.hosts.peer_key, "request"), redelivered=True) == reply


@pytest.mark.parametrize("runtime", [False], indirect=True)
@pytest.mark.parametrize("deadline", [math.nan, math.inf, 10.0**9 * 4])
def test_a_deadline_that_is_too_far_away_is_refused(
    runtime: Runtime, wire: Wire, content: dict[str, Any], deadline: float
) -> None:
    before = wire.refusals()
    request = wire.request("sign", content, deadline=deadline)
    reply = runtime.answer(seal(request.to_body(), wire.hosts.peer_key, "request"), redelivered=False)
    assert "signature" not in json.loads(json.loads(reply or "")["body"])["answer"]
    assert wire.refusals() == [*before, ("web", "too-early")]


@pytest.mark.parametrize("runtime", [True, False], indirect=True)
def test_what_is_delivered_again_after_it_was_answered_has_the_same_answer(
    runtime: Runtime, wire: Wire, content: dict[str, Any]
) -> None:
    request = wire.request("sign", content)
    first = answered(runtime, wire, request)
    assert first is not None
    assert answered(runtime, wire, request, redelivered=True) == first
    assert answered(runtime, wire, request) is None  # a copy
