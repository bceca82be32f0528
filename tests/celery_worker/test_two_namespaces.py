"""A host without a key of an authority, and one with a token, in network namespaces: what people do, and no secret."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from celery_worker.apart import apart
from celery_worker.brokers import wait_until
from celery_worker.two_hosts import run_verified, running_worker
from hsm.softhsm import SoftHsm, find_library
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery_worker.brokers import Broker
    from celery_worker.two_hosts import TwoHosts
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = [
    pytest.mark.databases(because="both hosts share a ledger of their own"),
    pytest.mark.slow(because="two hosts, a token, and a command for each thing that people do"),
]
PIN = "7209315846"
"""Found nowhere by chance."""


@contextmanager
def with_a_token(cluster: Cluster, redis: Broker, rabbitmq: Broker, folder: Path) -> Iterator[tuple[TwoHosts, SoftHsm]]:
    """Two hosts of which the one with the keys has them in a token; the one in front sees no folder of the other."""
    hsm = SoftHsm(folder / "token", find_library())
    hsm.tokens.mkdir(parents=True)
    written = f"directories.tokendir = {hsm.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    (hsm.folder / "softhsm2.conf").write_text(written)
    hsm.add_token("strongroom", PIN)
    options = {"library_path": hsm.library, "token": "strongroom", "user_pin": {"file": "pin"}}
    back = {"key_backends": {"default": {"backend": "hsm", "options": options}}}
    with apart(cluster, redis, rabbitmq, folder, hidden=[hsm.folder], back=back) as (hosts, front, strongroom):
        (hosts.folder / "back/pin").write_text(PIN)
        hosts.variables = {"back": {"SOFTHSM2_CONF": str(hsm.folder / "softhsm2.conf")}}
        assert front.reaches(front.services, redis.port)
        assert not front.reaches(strongroom.address, 22)
        yield hosts, hsm


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
    with with_a_token(cluster, redis_broker, rabbitmq_broker, tmp_path) as (hosts, hsm), running_worker(hosts):
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
