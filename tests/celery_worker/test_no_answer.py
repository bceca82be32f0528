"""Where there is no answer, the host knows whether anything was done: by the row that exactly one of both can add."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from kombu.connection import Connection

from anchorhold.errors import BackendFailedError, BackendUnreachedError, RefusedError
from anchorhold_celery.client import Line, WorkerClient
from anchorhold_celery.ledger_clock import LedgerClock
from anchorhold_celery.messages import Request, reply_body, seal
from anchorhold_celery.request_table import RequestTable
from anchorhold_celery.tls import TlsFiles
from celery_worker.brokers import PASSWORD, wait_until
from celery_worker.two_hosts import running_worker
from celery_worker.wire import Wire
from storages.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.installation import Installation
    from celery_worker.two_hosts import TwoHosts

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


@pytest.fixture
def front(hosts: TwoHosts) -> Iterator[Installation]:
    """The host that asks; no worker runs."""
    with hosts.open() as opened:
        opened.ledger.close()
        yield opened


@pytest.fixture
def requests(front: Installation) -> RequestTable:
    """What became of each request."""
    return RequestTable(front.access.database, "the test")


@pytest.fixture
def client(hosts: TwoHosts, requests: RequestTable) -> Iterator[Callable[..., WorkerClient]]:
    """Makes what asks; the broker may be another one."""
    worker_key: Any = load_pem_private_key((hosts.folder / "back/worker.pem").read_bytes(), None)
    made: list[WorkerClient] = []

    def make(**other: Any) -> WorkerClient:
        line: dict[str, Any] = {
            "broker": hosts.broker,
            "results": hosts.results,
            "queue": "anchorhold.ca.default",
            "peer": "web",
            "key": hosts.peer_key,
            "worker_keys": (worker_key.public_key(),),
            "alias": "default",
            "role": "ca",
            "tls": TlsFiles(),
        }
        made.append(WorkerClient("key backend 'default'", Line(**line | other), requests, LedgerClock(requests.now)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@contextmanager
def half_a_worker(hosts: TwoHosts, front: Installation, answer: Callable[[Request, str], None]) -> Iterator[None]:
    """Takes messages, and leaves the rest to a function that is given the request and its body."""
    over = Event()

    def run() -> None:
        with Connection(hosts.broker) as connection:
            queue = connection.SimpleQueue("anchorhold.ca.default")
            while not over.is_set():
                try:
                    message = queue.get(timeout=0.2)
                except queue.Empty:
                    continue
                body = json.loads(message.payload[0][0])["body"]
                message.ack()
                answer(Request.from_body(body), body)
        front.ledger.close()

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_without_a_broker_nothing_was_done(client: Callable[..., WorkerClient]) -> None:
    nowhere = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    for place in ({"broker": nowhere}, {"results": nowhere}):
        with pytest.raises(BackendUnreachedError, match=r"at 127.0.0.1:\d+ cannot be reached") as caught:
            client(**place).ask("check_place", {}, 3)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_wrong_password_is_said(hosts: TwoHosts, client: Callable[..., WorkerClient]) -> None:
    for place in ("broker", "results"):
        wrong = {place: hosts.broker.replace(PASSWORD, "another-one")}
        with pytest.raises(BackendUnreachedError, match="does not let this host in") as caught:
            client(**wrong).ask("check_place", {}, 3)
        assert "look into the passwords" in str(caught.value)
        assert "another-one" not in str(caught.value)


def test_without_a_worker_nothing_was_done_and_nothing_will_be(
    hosts: TwoHosts, client: Callable[..., WorkerClient], requests: RequestTable, front: Installation
) -> None:
    with pytest.raises(BackendUnreachedError, match="no worker has taken the request within 1 s, so nothing was done"):
        client().ask("sign", {}, 1)
    taken: list[str] = []
    with half_a_worker(hosts, front, lambda request, _: taken.append(request.id)):
        wait_until(lambda: taken, 5, "nothing was left in the queue")
    found = requests.begin(taken[0], durable=False)  # it comes too late
    assert found is not None
    assert found.state == "withdrawn"


def test_what_a_worker_began_may_have_been_signed(
    hosts: TwoHosts, client: Callable[..., WorkerClient], requests: RequestTable, front: Installation
) -> None:
    def begin(request: Request, _: str) -> None:
        requests.begin(request.id, durable=False)

    with (
        half_a_worker(hosts, front, begin),
        pytest.raises(BackendFailedError, match="a worker had begun with it; it may have been signed") as caught,
    ):
        client().ask("sign", {}, 2)
    assert not isinstance(caught.value, BackendUnreachedError)


def test_an_answer_that_was_lost_is_in_the_ledger(
    hosts: TwoHosts, client: Callable[..., WorkerClient], requests: RequestTable, front: Installation
) -> None:
    worker_key: Any = load_pem_private_key((hosts.folder / "back/worker.pem").read_bytes(), None)

    def finish(request: Request, body: str) -> None:
        assert requests.begin(request.id, durable=False) is None
        requests.finish(request.id, seal(reply_body(body, {"outcomes": []}), worker_key, "reply"))

    with half_a_worker(hosts, front, finish):
        assert client().ask("sign", {}, 2) == {"outcomes": []}


def test_an_answer_by_another_key_or_to_another_request_is_thrown_away(
    hosts: TwoHosts, client: Callable[..., WorkerClient], requests: RequestTable, front: Installation
) -> None:
    worker_key: Any = load_pem_private_key((hosts.folder / "back/worker.pem").read_bytes(), None)
    for key, alter in ((hosts.peer_key, str), (worker_key, lambda body: body + " ")):

        def finish(request: Request, body: str, key: Any = key, alter: Callable[[str], str] = alter) -> None:
            requests.begin(request.id, durable=False)
            requests.finish(request.id, seal(reply_body(alter(body), {"outcomes": []}), key, "reply"))

        with half_a_worker(hosts, front, finish), pytest.raises(BackendFailedError, match="so it was thrown away"):
            client().ask("sign", {}, 2)


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # by Celery
@pytest.mark.parametrize("is_begun", [True, False])
def test_an_answer_of_someone_else_does_no_harm(
    hosts: TwoHosts, client: Callable[..., WorkerClient], requests: RequestTable, front: Installation, is_begun: bool
) -> None:
    worker_key: Any = load_pem_private_key((hosts.folder / "back/worker.pem").read_bytes(), None)
    results = Wire(hosts, front).app.backend

    def answer(request: Request, body: str) -> None:
        if is_begun:
            requests.begin(request.id, durable=False)
        results.store_result(request.id, seal(reply_body(body, {"outcomes": []}), hosts.peer_key, "reply"), "SUCCESS")
        if is_begun:
            time.sleep(0.5)
            requests.finish(request.id, seal(reply_body(body, {"outcomes": []}), worker_key, "reply"))

    with half_a_worker(hosts, front, answer):
        if is_begun:
            assert client().ask("sign", {}, 5) == {"outcomes": []}
        else:
            with pytest.raises(BackendUnreachedError, match="so it was thrown away; nothing was done"):
                client().ask("sign", {}, 5)


def test_what_a_worker_refuses_is_said_in_its_words(hosts: TwoHosts, client: Callable[..., WorkerClient]) -> None:
    with running_worker(hosts), pytest.raises(RefusedError, match="the worker says: the alias is not lent here"):
        client(alias="another").ask("check_place", {}, 10)
