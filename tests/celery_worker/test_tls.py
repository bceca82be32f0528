"""Broker and result backend by TLS: their certificates and names are verified, and they may ask for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from celery_worker.brokers import PASSWORD, running_rabbitmq, running_redis
from celery_worker.two_hosts import TwoHosts, running_worker
from databases import new_database
from programs import openssl
from storages.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


@dataclass(frozen=True)
class Pki:
    """An authority, and certificates by it.

    Attributes:
        folder: With ``NAME.pem`` and ``NAME.key`` for ``ca``, ``server`` (of localhost) and ``client``.
    """

    folder: Path

    def file(self, name: str) -> str:
        """The path of a file."""
        return str(self.folder / name)

    def make(self) -> None:
        """Make all of them."""
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        by = ("-CA", self.file("ca.pem"), "-CAkey", self.file("ca.key"))
        made = {"ca": (), "other": (), "server": (*by, "-addext", "subjectAltName=DNS:localhost"), "client": by}
        for name, more in made.items():
            files = ("-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.pem"))
            openssl(*new, "-subj", f"/CN={name}", *files, *more)


@dataclass(frozen=True)
class Servers:
    """Servers that ask for certificates.

    Attributes:
        pki: By whom.
        database: URL of a ledger.
        redis: Port of TLS.
        rabbitmq: The same.
    """

    pki: Pki
    database: str
    redis: int
    rabbitmq: int

    def urls(self, broker: str, host: str = "localhost") -> tuple[str, str]:
        """Of a broker, and of the result backend."""
        redis = f"rediss://:{PASSWORD}@{host}:{self.redis}/0"
        return (redis if broker == "redis" else f"amqps://anchorhold:{PASSWORD}@{host}:{self.rabbitmq}//"), redis


@pytest.fixture(scope="module")
def servers(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Both brokers, with TLS."""
    pki = Pki(tmp_path_factory.mktemp("pki"))
    pki.make()
    redis, rabbitmq = free_port(), free_port()
    files = {"cert": "server.pem", "key": "server.key", "ca-cert": "ca.pem"}
    options = [text for name, file in files.items() for text in (f"--tls-{name}-file", pki.file(file))]
    lines = [f"listeners.ssl.1 = 127.0.0.1:{rabbitmq}", "ssl_options.verify = verify_peer"]
    lines += [f"ssl_options.{name} = {pki.file(file)}" for name, file in (("cacertfile", "ca.pem"),)]
    lines += [f"ssl_options.certfile = {pki.file('server.pem')}", f"ssl_options.keyfile = {pki.file('server.key')}"]
    lines += ["ssl_options.fail_if_no_peer_cert = true"]
    with (
        new_database(cluster.url) as url,
        running_redis("--save", "", "--tls-port", str(redis), *options),
        running_rabbitmq(*lines),
    ):
        yield Servers(pki, url, redis, rabbitmq)


def hosts_of(servers: Servers, folder: Path, broker: str, *, host: str = "localhost", ca: str = "ca.pem") -> TwoHosts:
    """Two hosts that use it."""
    pki = servers.pki
    files = {
        "tls_ca_file": pki.file(ca),
        "tls_certificate": pki.file("client.pem"),
        "tls_key": pki.file("client.key"),
    }
    return TwoHosts(folder / "hosts", servers.database, *servers.urls(broker, host), worker=files, front=files)


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_keys_are_made_and_used_over_tls(servers: Servers, tmp_path: Path, broker: str) -> None:
    hosts = hosts_of(servers, tmp_path, broker)
    with running_worker(hosts):
        hosts.run("init-ca", f"By {broker}", "CN=Root")


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
@pytest.mark.parametrize(
    "wrong", [{"host": "127.0.0.1"}, {"ca": "other.pem"}], ids=["another name", "another authority"]
)
def test_a_server_that_is_not_verified_is_not_used(
    servers: Servers, tmp_path: Path, broker: str, wrong: dict[str, str]
) -> None:
    hosts = hosts_of(servers, tmp_path, broker, **wrong)
    refused = hosts.run("init-ca", "Refused", "CN=Root", check=False)
    assert refused.returncode == 38
    assert "does not let this host in" in refused.stderr
    assert PASSWORD not in refused.stderr + refused.stdout


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ({"tls_ca_file": "nowhere.pem"}, "TLS cannot be set up"),
        ({"tls_certificate": "client.pem"}, "belong together"),
        ({"tls_ca_file": "client.key"}, "TLS cannot be set up"),
    ],
)
def test_files_that_cannot_be_used_are_said(servers: Servers, tmp_path: Path, front: dict[str, str], told: str) -> None:
    hosts = hosts_of(servers, tmp_path, "redis")
    hosts.front = {name: servers.pki.file(file) for name, file in front.items()}
    hosts.write()
    refused = hosts.run("config", "check", check=False)
    assert refused.returncode != 0
    assert told in refused.stderr


def test_several_servers_are_refused(servers: Servers, tmp_path: Path) -> None:
    hosts = hosts_of(servers, tmp_path, "rabbitmq")
    broker, _ = servers.urls("rabbitmq")
    (hosts.folder / "front/broker").write_text(f"{broker};{broker}")
    refused = hosts.run("config", "check", check=False)
    assert refused.returncode != 0
    assert "names several servers" in refused.stderr
    assert PASSWORD not in refused.stderr + refused.stdout


def test_files_for_tls_without_tls_are_refused(servers: Servers, tmp_path: Path) -> None:
    hosts = hosts_of(servers, tmp_path, "redis")
    (hosts.folder / "front/broker").write_text("redis://127.0.0.1:1/0")
    (hosts.folder / "front/results").write_text("redis://127.0.0.1:1/0")
    refused = hosts.run("config", "check", check=False)
    assert refused.returncode != 0
    assert "no URL asks for TLS" in refused.stderr
