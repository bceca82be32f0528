"""Passwords of brokers, arguments and results: in no log, list of processes, output or repr."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from kombu.connection import Connection

from anchorhold.operations.order import Order
from anchorhold_celery.messages import TASK, text
from celery_worker.brokers import PASSWORD, wait_until
from celery_worker.two_hosts import running_worker

if TYPE_CHECKING:
    from celery_worker.two_hosts import TwoHosts, Worker
    from conftest import MakeCsr

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")

MARK = "a-mark-in-a-message"


def test_logs_of_a_worker_have_no_argument_and_no_result(hosts: TwoHosts, worker: Worker, make_csr: MakeCsr) -> None:
    with hosts.open() as front:
        root = front.authorities.create("Root", "CN=Root")
        issued = front.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"]))
        with Connection(hosts.broker) as connection, connection.Producer() as producer:
            headers = {"task": "anchorhold.unknown", "id": "1", "argsrepr": MARK, "kwargsrepr": MARK}
            for body, sent in (([[MARK], {MARK: MARK}, {}], headers), (MARK, {}), ({MARK: MARK}, {"task": MARK})):
                producer.publish(body, routing_key="anchorhold.ca.default", headers=sent, serializer="json")
            ours = {**headers, "task": TASK}
            for kind in ("application/x-mark", "application/json"):
                producer.publish(MARK.encode(), routing_key="anchorhold.ca.default", content_type=kind, headers=ours)
            producer.publish([[MARK], {}, {}], routing_key="anchorhold.ca.default", headers=ours, serializer="json")
        front.certificates.sign("Root", Order(csr=make_csr(), names=["b.example"]))
    wait_until(lambda: worker.log.count("operation=sign") >= len("abc"), 10, "nothing was logged")
    log = worker.log
    assert "not understood" in log
    signature = issued.der[-40:]
    for secret in (MARK, PASSWORD, text(root.record.public_key or b""), signature.hex(), text(signature), '"body"'):
        assert secret not in log


def test_the_list_of_processes_has_no_password(hosts: TwoHosts, worker: Worker) -> None:
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if str(worker.process.pid) in line.split()[:2]]
    assert len(ours) >= len(worker.children()) + 1
    assert PASSWORD not in "".join(ours)


def test_the_command_of_celery_starts_the_same_worker(hosts: TwoHosts) -> None:
    command = (sys.executable, "-m", "celery", "-A", "anchorhold_celery", "worker", "--loglevel=INFO")
    with running_worker(hosts, *command, name="celery") as worker, hosts.open() as front:
        front.authorities.create("By celery", "CN=By celery")
        assert front.backends.get("default").list_keys(front.backends.secrets("default", {}, operation="use")) != ()
    assert PASSWORD not in worker.log


def test_settings_are_shown_without_passwords(hosts: TwoHosts) -> None:
    hosts.front = hosts.worker = {"broker": hosts.broker, "result_backend": hosts.results}
    hosts.write()
    for host, shown in (("front", "peer.pem"), ("back", "strongroom")):
        told = hosts.run("config", "show", host=host).stdout
        assert shown in told
        assert PASSWORD not in told
    hosts.front = hosts.worker = {}
    hosts.write()


def test_objects_show_no_password(hosts: TwoHosts) -> None:
    with hosts.open() as front:
        backend = front.backends.get("default")
        instance: Any = dict(backend.manager.list_name_plugin())["key backend default"]
        client = instance._client
        for shown in (
            backend,
            instance,
            client,
            client._line,
            backend.options,
            client.open_client().conf.broker_url[:5],
        ):
            assert PASSWORD not in repr(shown)


@pytest.mark.parametrize("command", [["list-cas"], ["sign-cert", "--help"], ["history"], ["config", "show"]])
def test_a_command_that_does_not_sign_imports_no_celery(hosts: TwoHosts, command: list[str]) -> None:
    program = (
        "import sys\nfrom anchorhold.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'celery', 'kombu', 'redis'}))"
    )
    settings = str(hosts.folder / "front/settings.toml")
    run = subprocess.run(
        [sys.executable, "-c", program, "--config", settings, *command],
        env=hosts.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.splitlines()[-1] == "[]", run.stderr
