"""`config check` on a host without keys: whether it reaches a worker, and what that says of its keys."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from anchorhold.errors import KeyInvalidError, SettingsError, UnknownAliasError
from celery_worker.two_hosts import TwoHosts, new_hosts, running_worker
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="hosts and worker share a database of their own")


@pytest.fixture
def own(cluster: Cluster, redis_broker: Broker, tmp_path: Path) -> Iterator[TwoHosts]:
    """Hosts whose ledger is empty."""
    with new_hosts(cluster, redis_broker, tmp_path) as hosts:
        yield hosts


def test_a_worker_says_what_is_wrong_with_its_place(own: TwoHosts) -> None:
    with running_worker(own):
        own.run("init-ca", "Root", "CN=Root")
        assert "worker" not in own.run("config", "check").stdout
        keys = own.folder / "back/ca"
        shutil.rmtree(keys)
        keys.write_text("a file in place of the folder")
        wrong = own.run("config", "check", check=False)
    assert wrong.returncode != 0
    assert "the worker says: " in wrong.stderr
    alone = own.run("config", "check")
    assert "no worker has answered within 5 s" in alone.stdout + alone.stderr


def published(hosts: TwoHosts) -> tuple[int, str | None]:
    """The number of the newest CRL of the root, and the serial number of its responder."""
    with hosts.open() as front:
        root = front.authorities.get("Root")
        crl, responder = front.crls.latest(root), front.responders.active(root)
    assert crl is not None
    assert responder is not None
    return crl.number, responder.serial


@pytest.mark.slow(because="each command on either host is a program of its own")
@pytest.mark.parametrize("alias", ["default", "remote"])
def test_the_host_with_the_keys_maintains_and_uses_them_too(own: TwoHosts, alias: str, make_csr: MakeCsr) -> None:
    own.front = {"alias": "default"}
    own.write()
    settings = own.folder / "front/settings.toml"
    settings.write_text(settings.read_text().replace("[key_backends.default", f"[key_backends.{alias}"))
    with running_worker(own):
        own.run("init-ca", "Root", "CN=Root", f"--key-backend={alias}")
        own.run("maintain")
    before = published(own)
    assert own.run("config", "check", host="back").returncode == 0
    (own.folder / "a.csr").write_bytes(make_csr())
    for command in ("sign-cert --ca=Root --csr=a.csr --alt=a.example", "generate-crls Root", "maintain", "backends"):
        own.run(*command.split(), host="back")
    after = published(own)
    assert after[0] > before[0]
    assert after[1] == before[1]


@pytest.mark.slow(because="each command on either host is a program of its own")
@pytest.mark.parametrize("alias", ["default", "remote"])
def test_the_host_with_the_keys_signs_an_authority_of_its_own(own: TwoHosts, alias: str) -> None:
    own.front = {"alias": "default"}
    own.write()
    settings = own.folder / "front/settings.toml"
    settings.write_text(settings.read_text().replace("[key_backends.default", f"[key_backends.{alias}"))
    with running_worker(own):
        own.run("init-ca", "Root", "CN=Root", f"--key-backend={alias}", "--out=root.pem")
    own.run("init-ca", "Sub", "CN=Sub", "--parent=Root", "--out=sub.pem", host="back")
    assert "sub.pem: OK" in openssl("verify", "-CAfile", own.folder / "root.pem", own.folder / "sub.pem")
    own.run("generate-crls", "Sub", host="back")
    refused = own.run("generate-crls", "Sub", check=False)  # its key was never lent
    assert refused.returncode in (KeyInvalidError.exit_code, UnknownAliasError.exit_code)
    assert "default" in refused.stderr


def test_a_key_of_another_type_is_said(own: TwoHosts) -> None:
    with running_worker(own):
        own.run("init-ca", "Root", "CN=Root")
    own.worker = {"aliases": {}}
    own.write()
    refused = own.run("generate-crls", "Root", host="back", check=False)
    assert refused.returncode != 0
    assert "is in the backend type 'celery', and 'default' is 'storages' here" in refused.stderr


@pytest.mark.parametrize(
    ("worker", "told"),
    [
        ({"message_key": "nowhere.pem"}, "nowhere.pem cannot be read"),
        ({"message_key": "peer.pub"}, "no private Ed25519 key"),
        ({"metrics": "nowhere"}, "is not a folder"),
        ({"aliases": {"vault": {}}}, "given default, which is not lent"),
        ({"result_backend": "rpc://"}, "rpc cannot be used"),
    ],
)
def test_a_section_that_cannot_be_right_is_said_before_a_worker_begins(
    own: TwoHosts, worker: dict[str, Any], told: str
) -> None:
    own.worker = worker
    own.write()
    for command in (("config", "check"), ("worker",)):
        refused = own.run(*command, host="back", check=False)
        assert refused.returncode == SettingsError.exit_code
        assert told in refused.stderr
        assert "Traceback" not in refused.stderr


def test_nothing_is_made_where_no_worker_has_run(own: TwoHosts) -> None:
    done = own.run("config", "check")
    assert "none has run with this ledger" in done.stdout + done.stderr
    with psycopg.connect(own.database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert not tables
