"""What a worker lends to whom, what its own wrappers say, and what it says of itself."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anchorhold.errors import SettingsError
from anchorhold.plugin import WantedSignature
from anchorhold.plugin.requests import PROBE_PREFIX
from anchorhold.public_keys import spki
from anchorhold_celery.messages import seal, text
from anchorhold_celery.signer import wanted_item
from anchorhold_celery.worker.application import Process
from anchorhold_celery.worker.settings import worker_settings
from celery_worker.brokers import wait_until
from celery_worker.two_hosts import new_key, running_worker
from celery_worker.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from anchorhold_celery.messages import Request
    from celery_worker.two_hosts import TwoHosts

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")

KEY: dict[str, Any] = {
    "key_id": "00" * 20,
    "spec": {"type": "EC", "size": None, "curve": "secp256r1"},
    "ca": {"name": "a", "subject": "CN=a"},
}


@pytest.fixture
def wire(hosts: TwoHosts, front: Installation) -> Iterator[Wire]:
    """Makes requests; the settings are as usual afterwards."""
    yield Wire(hosts, front)
    hosts.worker = {}
    hosts.write()


def answered(wire: Wire, request: Request, key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
    """What a process of the worker answers by the settings as they are, in this process."""
    wire.hosts.write()
    running = Process(wire.hosts.folder / "back/settings.toml", environment=wire.hosts.environment).open()
    try:
        message = seal(request.to_body(), key or wire.hosts.peer_key, "request")
        reply = running.answer(message, redelivered=False)
    finally:
        running.close()
    assert reply is not None
    answer: dict[str, Any] = json.loads(json.loads(reply)["body"])["answer"]
    return answer


def peer(**other: Any) -> dict[str, Any]:
    """The section of a peer."""
    return {"peers": {"web": {"keys": ["peer.pub"], "aliases": ["default"], **other}}}


@pytest.mark.parametrize(("operation", "needed"), [("create_key", "may_create"), ("delete_key", "may_delete")])
def test_making_and_destroying_keys_is_allowed_expressly(wire: Wire, operation: str, needed: str) -> None:
    wire.hosts.worker = peer()
    told = answered(wire, wire.request(operation, KEY))["error"]
    assert told["problem"] == f"the peer web has no {needed}"
    assert wire.refusals()[-1] == ("web", "not-allowed")


def test_two_keys_of_a_peer_count_while_one_is_replaced(wire: Wire) -> None:
    folder = wire.hosts.folder
    fresh = new_key(folder / "front/new.pem", folder / "back/new.pub")
    asked = wire.request("check_place", {})
    assert answered(wire, asked, fresh)["error"]["code"] == "refused-by-wrapper"
    wire.hosts.worker = peer(keys=["peer.pub", "new.pub"])
    for key in (wire.hosts.peer_key, fresh):
        assert answered(wire, wire.request("check_place", {}), key) == {"not_checked": []}
    wire.hosts.worker = peer(keys=["new.pub"])
    assert answered(wire, wire.request("check_place", {}))["error"]["code"] == "refused-by-wrapper"


@pytest.fixture
def offline(wire: Wire) -> Iterator[Authority]:
    """An authority whose key is not lent, in the same storage as one that is."""
    hosts, place = wire.hosts, {"backend": "storages", "options": {"path": "offline"}}
    hosts.back = {"key_backends": {"default": {"backend": "storages"}, "offline": place}}
    hosts.write()
    with hosts.open("back") as back:
        yield back.authorities.create("Offline", "CN=Offline", key_backend="offline")
    hosts.back = {}


def test_a_key_of_another_alias_in_the_same_place_is_not_lent(wire: Wire, offline: Authority) -> None:
    record, message = offline.record, PROBE_PREFIX + bytes(32)
    wanted = WantedSignature(
        purpose="probe",
        public_key_info=record.public_key or b"",
        algorithm=offline.algorithm,
        digest=sha256(message).digest(),
        message=message,
    )
    content = {
        "handle": record.handle,
        "public_key": text(record.public_key or b""),
        "items": [wanted_item(wanted)],
        "ca": {"name": "Offline", "subject": "CN=Offline"},
    }
    for operation in ("sign", "describe_key", "delete_key"):
        before = wire.refusals()
        answer = answered(wire, wire.request(operation, content))
        told = answer.get("error") or answer["outcomes"][0]["error"]
        assert told["problem"] == "the key is not lent under the alias 'default'"
        assert wire.refusals() == [*before, ("web", "other-place")]
    assert next((wire.hosts.folder / "back/ca/offline").glob("*.key")).exists()


@pytest.mark.parametrize("path", ["../worker.pem", "{back}/worker.pem", "ca/../../worker.pem"])
@pytest.mark.parametrize("operation", ["describe_key", "delete_key"])
def test_what_is_not_in_the_place_of_keys_is_left_alone(wire: Wire, operation: str, path: str) -> None:
    back = wire.hosts.folder / "back"
    content = {
        "handle": {"version": 1, "data": {"path": path.format(back=back)}},
        "public_key": text(spki(Ed25519PrivateKey.generate().public_key())),
        "ca": {"name": "a", "subject": "CN=a"},
    }
    told = answered(wire, wire.request(operation, content))["error"]
    assert "must be a relative path without .." in told["problem"]
    assert (back / "worker.pem").exists()


def test_only_the_key_that_is_named_is_destroyed(wire: Wire) -> None:
    made = answered(wire, wire.request("create_key", KEY))
    content = {**made, "public_key": text(spki(Ed25519PrivateKey.generate().public_key())), "ca": KEY["ca"]}
    assert answered(wire, wire.request("delete_key", content))["error"]["code"] == "key-mismatch"
    assert answered(wire, wire.request("delete_key", {**content, **made})) == {"was_there": True}
    assert answered(wire, wire.request("delete_key", {**content, **made})) == {"was_there": False}


@pytest.mark.parametrize(
    ("worker", "told"),
    [
        ({"aliases": {}, "ocsp_aliases": {}, "peers": {}}, "lends nothing"),
        (peer(aliases=["another"]), "the peer web is given another, which is not lent"),
        ({"broker": "rpc://"}, "worker.broker: rpc cannot be used"),
        ({"result_backend": "rpc://"}, "worker.result_backend: rpc cannot be used"),
        ({"brokre": "redis://"}, "worker.brokre is not known"),
        ({"broker": "prompt"}, '"prompt" is not possible here'),
    ],
)
def test_settings_that_cannot_be_right_are_refused(wire: Wire, worker: dict[str, Any], told: str) -> None:
    wire.hosts.worker = worker
    wire.hosts.write()
    with wire.hosts.open("back") as back, pytest.raises(SettingsError, match=told):
        worker_settings(back).urls(wire.hosts.environment)


def test_a_worker_is_shown_while_it_runs(hosts: TwoHosts, front: Installation) -> None:
    with running_worker(hosts):
        wait_until(front.workers.list, 10, "the worker does not say that it runs")
        (found,) = front.workers.list()
    assert found.is_running
    assert (found.name, found.aliases) == ("strongroom:1", ("default",))
    assert front.workers.list() == []  # it ended in good order
