"""A worker signs nothing that the ledger does not hold as intended, and each refusal is one event with its peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anchorhold.operations.order import Order
from anchorhold_celery.messages import seal
from celery_worker.brokers import wait_until
from celery_worker.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from celery_worker.two_hosts import TwoHosts, Worker
    from conftest import MakeCsr

pytestmark = [
    pytest.mark.databases(because="both hosts have a ledger of their own"),
    pytest.mark.usefixtures("worker"),
]


@pytest.fixture(scope="module")
def front(hosts: TwoHosts) -> Iterator[Installation]:
    """The host that asks."""
    with hosts.open() as opened:
        opened.ledger.close()  # the tables are there before the worker begins
        yield opened


@pytest.fixture(scope="module")
def root(front: Installation, worker: Worker) -> Authority:
    """An authority whose key the worker has."""
    return front.authorities.create("Root", "CN=Root")


@pytest.fixture
def wire(hosts: TwoHosts, front: Installation) -> Wire:
    """What anyone may send who reaches the broker."""
    return Wire(hosts, front)


@pytest.fixture
def reserved(front: Installation, root: Authority, make_csr: MakeCsr) -> tuple[bytes, str]:
    """A certificate that may be signed: its TBSCertificate and serial number."""
    request = front.requests.submit(root, Order(csr=make_csr(), names=["a.example"]))
    serial = front.requests.reserve(request.id).serial or ""
    (record,) = front.ledger.certificates.find(serial, root.record.id)
    return record.tbs or b"", serial


def code_of(answer: dict[str, Any]) -> str:
    """The code of the error in an answer, for the whole message or its only item."""
    told = answer.get("error") or answer["outcomes"][0]["error"]
    return str(told["code"])


def test_what_is_reserved_is_signed(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    before = wire.refusals()
    answer = wire.ask(wire.request("sign", wire.signature(root, *reserved)))
    assert "signature" in answer["outcomes"][0]
    assert wire.refusals() == before


def test_what_was_never_reserved_is_refused(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    before = wire.refusals()
    answer = wire.ask(wire.request("sign", wire.signature(root, reserved[0], f"{int(reserved[1], 16) + 1:x}")))
    assert code_of(answer) == "signature-not-intended"
    assert wire.refusals() == [*before, ("web", "not-reserved")]


def test_one_octet_changed_is_refused(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    before, (tbs, serial) = wire.refusals(), reserved
    answer = wire.ask(wire.request("sign", wire.signature(root, tbs[:-1] + bytes([tbs[-1] ^ 1]), serial)))
    assert code_of(answer) == "signature-not-intended"
    assert wire.refusals() == [*before, ("web", "other-content")]


def test_the_same_certificate_again_is_refused_once_it_is_issued(
    wire: Wire, front: Installation, root: Authority, make_csr: MakeCsr
) -> None:
    issued = front.certificates.sign(root, Order(csr=make_csr(), names=["a.example"]))
    (record,) = front.ledger.certificates.find(issued.serial, root.record.id)
    before = wire.refusals()
    answer = wire.ask(wire.request("sign", wire.signature(root, record.tbs or b"", issued.serial)))
    assert code_of(answer) == "signature-not-intended"
    assert wire.refusals() == [*before, ("web", "already-issued")]


def test_a_copy_of_a_message_signs_nothing(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    before = wire.refusals()
    request = wire.request("sign", wire.signature(root, *reserved))
    message = seal(request.to_body(), wire.hosts.peer_key, "request")
    assert "outcomes" in wire.send(message, request.id)
    wire.post(message)
    wait_until(lambda: len(wire.refusals()) > len(before), 10, "nothing was refused")
    assert wire.refusals() == [*before, ("web", "copy")]


def test_a_certificate_of_another_authority_is_refused(
    wire: Wire, front: Installation, root: Authority, reserved: tuple[bytes, str]
) -> None:
    other = front.authorities.create("Other", "CN=Other")
    before = wire.refusals()
    content = wire.signature(other, *reserved)
    assert code_of(wire.ask(wire.request("sign", content))) == "signature-not-intended"
    assert wire.refusals() == [*before, ("web", "not-reserved")]


def test_an_authority_key_signs_nothing_through_an_alias_for_responders(
    wire: Wire, root: Authority, reserved: tuple[bytes, str]
) -> None:
    before = wire.refusals()
    answer = wire.ask(wire.request("sign", wire.signature(root, *reserved), role="ocsp"))
    assert code_of(answer) == "refused-by-wrapper"
    assert wire.refusals() == [*before, ("web", "other-role")]


@pytest.mark.parametrize(
    ("change", "peer", "reason"),
    [
        ({"peer": "nobody"}, "unknown", "unknown-peer"),
        ({"alias": "another"}, "web", "not-lent"),
    ],
    ids=["unknown peer", "alias that is not lent"],
)
def test_what_a_peer_may_not_ask_is_refused(
    wire: Wire, root: Authority, reserved: tuple[bytes, str], change: dict[str, Any], peer: str, reason: str
) -> None:
    before = wire.refusals()
    answer = wire.ask(wire.request("sign", wire.signature(root, *reserved), **change))
    assert code_of(answer) == "refused-by-wrapper"
    assert wire.refusals() == [*before, (peer, reason)]


def test_one_message_does_not_ask_twice_for_the_same(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    content = wire.signature(root, *reserved)
    answer = wire.ask(wire.request("sign", {**content, "items": content["items"] * 2}))
    assert "wants a signature twice" in answer["error"]["problem"]


def test_an_operation_that_no_release_has_is_refused(wire: Wire) -> None:
    before = wire.refusals()
    told = wire.ask(wire.request("export_key", {}))["error"]
    assert (told["code"], told["problem"]) == ("refused-by-wrapper", "this worker has no such operation")
    assert wire.refusals() == [*before, ("web", "unknown-operation")]


def test_a_message_by_another_key_is_refused(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    before = wire.refusals()
    answer = wire.ask(wire.request("sign", wire.signature(root, *reserved)), key=Ed25519PrivateKey.generate())
    assert code_of(answer) == "refused-by-wrapper"
    assert wire.refusals() == [*before, ("unknown", "other-signature")]


def test_a_late_message_is_refused(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    before = wire.refusals()
    request = wire.request("sign", wire.signature(root, *reserved), deadline=wire.now() - 1)
    wire.post(seal(request.to_body(), wire.hosts.peer_key, "request"), request.id)
    wait_until(lambda: len(wire.refusals()) > len(before), 10, "nothing was refused")
    assert wire.refusals() == [*before, ("web", "too-late")]
    assert wire.refused_ids()[-1] == request.id


def test_a_request_without_a_proper_id_is_refused(wire: Wire) -> None:
    before = wire.refusals()
    assert code_of(wire.ask(wire.request("check_place", {}, id="1" * 300))) == "refused-by-wrapper"
    assert wire.refusals() == [*before, ("unknown", "unreadable-message")]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_deadline_that_is_no_float_is_refused(wire: Wire, sign: int) -> None:
    before = wire.refusals()
    assert code_of(wire.ask(wire.request("check_place", {}, deadline=sign * 10**400))) == "refused-by-wrapper"
    assert wire.refusals() == [*before, ("unknown", "unreadable-message")]


@pytest.mark.parametrize("message", [None, 1, "", "{}", '{"body": "{}", "signature": "AA=="}', "[" * 9999])
def test_what_is_no_message_is_refused(wire: Wire, message: object) -> None:
    before = wire.refusals()
    wire.post(message)
    wait_until(lambda: len(wire.refusals()) > len(before), 10, "nothing was refused")
    assert wire.refusals() == [*before, ("unknown", "unreadable-message")]


def test_a_request_that_was_withdrawn_is_left_alone(wire: Wire, root: Authority, reserved: tuple[bytes, str]) -> None:
    before = wire.refusals()
    request = wire.request("sign", wire.signature(root, *reserved))
    assert wire.requests.withdraw(request.id) is None
    sent = wire.post(seal(request.to_body(), wire.hosts.peer_key, "request"), request.id)
    wire.ask(wire.request("check_place", {}))  # the worker has come by
    assert not sent.ready()
    assert wire.refusals() == before
