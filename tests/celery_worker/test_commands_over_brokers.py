"""What is done on a host without a key of an authority: the same as with one."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from anchorhold.operations.order import Order
from celery_worker.two_hosts import TwoHosts, running_worker
from databases import new_database
from programs import openssl, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import MakeCsr
    from postgresql_cluster import Cluster

pytestmark = pytest.mark.databases(because="both hosts have a ledger of their own")


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def hosts_by_broker(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoHosts]:
    """Two hosts over each broker, with results in Redis, and a worker."""
    results = request.getfixturevalue("redis_broker").separate()
    broker = results if request.param == "redis" else request.getfixturevalue("rabbitmq_broker").url
    with new_database(cluster.url) as url:
        hosts = TwoHosts(tmp_path_factory.mktemp("hosts"), url, broker, results)
        with hosts.open() as front:
            front.ledger.close()  # the tables are there before the worker begins
        with running_worker(hosts):
            yield hosts


@pytest.fixture
def front(hosts_by_broker: TwoHosts) -> Iterator[Installation]:
    """The host that asks, with a root."""
    with hosts_by_broker.open() as opened:
        if not opened.authorities.list():
            opened.authorities.create("Root", "CN=Root")
        yield opened


def test_an_authority_and_one_below_it_have_their_keys_elsewhere(
    hosts_by_broker: TwoHosts, front: Installation
) -> None:
    issuing = front.authorities.create("Issuing", "CN=Issuing", parent="Root")
    issuing.certificate.verify_directly_issued_by(front.authorities.get("Root").certificate)
    assert [path for path in (hosts_by_broker.folder / "front").rglob("*") if path.suffix == ".key"] == []
    assert len(list((hosts_by_broker.folder / "back/ca/ca").glob("*.key"))) == len(front.authorities.list())


def test_a_batch_of_200_is_signed(front: Installation, make_csr: MakeCsr) -> None:
    csr = make_csr()
    with front.certificates.issuer("Root") as issuer:
        issued = issuer.sign_many([Order(csr=csr, names=[f"{number}.example"]) for number in range(200)])
    root = front.authorities.get("Root").certificate
    for each in issued:
        x509.load_der_x509_certificate(each.der).verify_directly_issued_by(root)
    assert len({each.serial for each in issued}) == len(issued) == 200


def test_what_was_revoked_is_on_the_next_list(front: Installation, make_csr: MakeCsr) -> None:
    issued = front.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"]))
    front.revocations.revoke(issued.serial)
    (made,) = front.crls.generate("Root")
    crl = x509.load_der_x509_crl(made.der)
    assert crl.is_signature_valid(front.authorities.get("Root").public_key)
    assert crl.get_revoked_certificate_by_serial_number(int(issued.serial, 16)) is not None


def test_maintenance_renews_lists_and_responders(front: Installation) -> None:
    result = front.maintenance.run("Root")
    assert result.failures == ()
    assert front.responders.active(front.authorities.get("Root")) is not None


def test_openssl_accepts_what_the_commands_make(hosts: TwoHosts, worker: object, make_csr: MakeCsr) -> None:
    (hosts.folder / "a.csr").write_bytes(make_csr())
    hosts.run("init-ca", "Root", "CN=Root", "--out=root.pem")
    hosts.run("sign-cert", "--ca=Root", "--csr=a.csr", "--alt=a.example", "--out=a.pem")
    assert "a.pem: OK" in openssl("verify", "-CAfile", hosts.folder / "root.pem", hosts.folder / "a.pem")


def test_ocsp_responses_are_signed_by_a_responder_whose_key_is_elsewhere(
    front: Installation, tmp_path: Path, make_csr: MakeCsr
) -> None:
    front.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"]))
    front.maintenance.run("Root")
    front.ocsp_responses.generate("Root", tmp_path / "responses", jobs=1)
    files = [path for path in (tmp_path / "responses").rglob("*") if path.is_file() and path.stat().st_size > 100]
    responses = [ocsp.load_der_ocsp_response(path.read_bytes()) for path in files if path.read_bytes()[:1] == b"0"]
    assert responses
    assert {found.certificate_status for found in responses} <= set(ocsp.OCSPCertStatus)


def test_a_csr_for_a_parent_elsewhere_is_signed(front: Installation) -> None:
    pending = front.authorities.request_csr("Sub", "CN=Sub")
    assert pending is not None
    (begun,) = [entry for entry in front.history.entries() if entry.kind == "csr-begun"]
    assert begun.authority == "Sub"


@pytest.mark.parametrize("shift", ["-120s", "+120s"])
@pytest.mark.only_in_full(because="deadlines by the clock of the database are tried by a late message")
def test_the_clock_of_the_host_that_asks_may_be_wrong(
    hosts: TwoHosts, worker: object, make_csr: MakeCsr, shift: str
) -> None:
    (hosts.folder / "b.csr").write_bytes(make_csr())
    command = [program("faketime"), "-f", shift, sys.executable, "-m", "anchorhold"]
    settings = ["--config", str(hosts.folder / "front/settings.toml")]
    made = subprocess.run(
        [*command, *settings, "init-ca", f"Clock {shift}", "CN=Clock"],
        env=hosts.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
