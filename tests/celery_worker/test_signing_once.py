"""With `sign_once` a certificate that may have been signed is never signed again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.operations.order import Order
from anchorhold_celery.messages import seal
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


@pytest.mark.parametrize(("runtime", "again"), [(True, False), (False, True)], indirect=["runtime"])
def test_the_same_octets_are_signed_again_or_not(
    runtime: Runtime, wire: Wire, content: dict[str, Any], again: bool
) -> None:
    assert "signature" in (answered(runtime, wire, wire.request("sign", content)) or {})
    second = answered(runtime, wire, wire.request("sign", content)) or {}
    assert ("signature" in second) is again
    if not again:
        assert second["error"]["code"] == "backend-failed"
        assert "may have been signed before" in second["error"]["problem"]


@pytest.mark.parametrize(("runtime", "again"), [(True, False), (False, True)], indirect=["runtime"])
def test_a_request_that_a_killed_worker_had_begun(
    runtime: Runtime, wire: Wire, content: dict[str, Any], again: bool
) -> None:
    request = wire.request("sign", content)
    wire.requests.begin(request.id, durable=True)
    if not again:
        (wanted,), _ = wanted_of(request)
        wire.requests.intend([once(wanted)], request.id)
    outcome = answered(runtime, wire, request, redelivered=True) or {}
    assert ("signature" in outcome) is again


@pytest.mark.parametrize("runtime", [True, False], indirect=True)
def test_what_is_delivered_again_after_it_was_answered_has_the_same_answer(
    runtime: Runtime, wire: Wire, content: dict[str, Any]
) -> None:
    request = wire.request("sign", content)
    first = answered(runtime, wire, request)
    assert first is not None
    assert answered(runtime, wire, request, redelivered=True) == first
    assert answered(runtime, wire, request) is None  # a copy
