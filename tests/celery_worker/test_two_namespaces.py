"""A host without a key of an authority, and one with a token, in network namespaces: what people do, and no secret."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from celery_worker.brokers import PASSWORD, wait_until
from celery_worker.namespaces import namespace
from celery_worker.two_hosts import TwoHosts, run_verified, running_worker
from databases import new_database
from hsm.softhsm import SoftHsm, find_library
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from celery_worker.namespaces import Namespace
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = [
    pytest.mark.databases(because="both hosts share a ledger of their own"),
    pytest.mark.slow(because="two hosts, a token, and a command for each thing that people do"),
]
PIN = "7209315846"
"""Found nowhere by chance."""


@contextmanager
def apart(cluster: Cluster, redis: Broker, rabbitmq: Broker, folder: Path) -> Iterator[tuple[TwoHosts, SoftHsm]]:
    """Two hosts that share nothing but three servers; the one in front sees no folder of the other."""
    hsm = SoftHsm(folder / "token", find_library())
    hsm.tokens.mkdir(parents=True)
    written = f"directories.tokendir = {hsm.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    (hsm.folder / "softhsm2.conf").write_text(written)
    hsm.add_token("strongroom", PIN)
    options = {"library_path": hsm.library, "token": "strongroom", "user_pin": {"file": "pin"}}
    back = {"key_backends": {"default": {"backend": "hsm", "options": options}}}
    ports, home = (cluster.port, redis.port, rabbitmq.port), folder / "hosts"
    with keeper(cluster), new_database(cluster.url) as url:
        name = urlsplit(url).path
        with psycopg.connect(url) as connection:
            connection.execute(f'ALTER DATABASE "{name[1:]}" OWNER TO keeper'.encode())
        hosts = TwoHosts(home, url, rabbitmq.url, redis.url, back=back)
        (home / "back/pin").write_text(PIN)
        with (
            namespace(1, ports, [home / "back", hsm.folder, cluster.folder]) as front,
            namespace(2, ports, [home / "front", cluster.folder]) as strongroom,
        ):
            hosts.prefixes = {"front": front.prefix, "back": strongroom.prefix}
            hosts.variables = {"back": {"SOFTHSM2_CONF": str(hsm.folder / "softhsm2.conf")}}
            for place, host in (("front", front), ("back", strongroom)):
                settle(hosts, place, host, cluster.port, name)
            assert front.reaches(front.services, redis.port)
            assert not front.reaches("10.213.2.2", 22)
            yield hosts, hsm


@contextmanager
def keeper(cluster: Cluster) -> Iterator[None]:
    """A role that logs in with a password."""
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'".encode())
        yield
        connection.execute(b"DROP ROLE keeper")


def settle(hosts: TwoHosts, place: str, host: Namespace, port: int, database: str) -> None:
    """Write the addresses that hold on a host."""
    folder = hosts.folder / place
    for file in ("broker", "results"):
        (folder / file).write_text((folder / file).read_text().replace("127.0.0.1", host.services))
    url = f"postgresql://keeper:{PASSWORD}@{host.services}:{port}{database}"
    (folder / "ledger").write_text(url)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text().replace(f'"{hosts.database}"', '{ file = "ledger" }'))


def secrets_in(folder: Path, public_keys: set[bytes]) -> list[str]:
    """The files in which the PIN or the private key of an authority is."""
    found = []
    for path in (each for each in folder.rglob("*") if each.is_file()):
        content = path.read_bytes()
        key = None
        with suppress(ValueError, TypeError):
            key = load_pem_private_key(content, None)
        own = key is not None and key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if PIN.encode() in content or own in public_keys:
            found.append(path.name)
    return found


def test_people_work_where_no_key_is(
    cluster: Cluster, redis_broker: Broker, rabbitmq_broker: Broker, tmp_path: Path, make_csr: MakeCsr
) -> None:
    with apart(cluster, redis_broker, rabbitmq_broker, tmp_path) as (hosts, hsm), running_worker(hosts):
        run_verified(hosts, make_csr(), "regenerate-ocsp-keys Issuing --force", "config check")
        wait_until(lambda: "strongroom" in hosts.run("workers").stdout, 10, "the worker is not shown")
        with hosts.open() as opened:  # in this process, by the socket
            public_keys = {each.record.public_key or b"" for each in opened.authorities.list()}
            lists = {each.name: opened.crls.latest(each) for each in opened.authorities.list()}
        assert len(public_keys) == 2
        assert secrets_in(hosts.folder / "front", public_keys) == []
        assert secrets_in(hosts.folder / "back", set()) == ["pin"]
        assert PIN not in str(hosts.environment | hosts.variables.get("front", {}))
        kept = hsm.tool("--list-objects", "--type", "privkey", token="strongroom", pin=PIN)
        assert kept.count("Private Key Object") == 2
        for name, made in lists.items():
            assert made is not None
            (tmp_path / "crl").write_bytes(made.der)
            openssl(
                "crl", "-inform=DER", "-in", tmp_path / "crl", "-noout", "-CAfile", hosts.folder / f"{name.lower()}.pem"
            )
