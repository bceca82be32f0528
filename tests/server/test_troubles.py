"""What goes wrong around a server: it says so, loses nothing, and goes on by itself once it is repaired."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from anchorhold.ledger import IssuancePolicy
from anchorhold.operations.crls import generate_crl
from anchorhold.x509.validity import now
from server.serving import HOSTNAME, REQUEST, House, Server, free_port, new_client, running, until

if TYPE_CHECKING:
    from pathlib import Path

    from postgresql_cluster import Cluster

sqlite_only = pytest.mark.databases("sqlite", because="it is about processes and files, not about the ledger")


def alarms(server: Server, subject: str) -> list[str]:
    """What its log says of a subject."""
    return [line["problem"] for line in server.log() if line.get("subject") == subject and line["level"] == "error"]


@sqlite_only
def test_a_missing_responder_key_is_an_internal_error_until_it_is_back(
    house: House, ca_dir: Path, tmp_path: Path
) -> None:
    key = next(ca_dir.glob(f"**/{house.responder().key_id.hex()}.key"))
    away = key.rename(tmp_path / "away")
    with running(tmp_path) as server:
        assert server.status(house.request()) == "INTERNAL_ERROR"
        status, health = server.ready()
        assert status == 503
        assert health["authorities"][0]["problems"] == ["OCSP responder: its key cannot be used"]
        assert str(ca_dir) not in str(health)  # the log alone says where it should be
        assert alarms(server, "responder root")
        away.rename(key)
        until(lambda: server.status(house.request()) == "GOOD")
        until(lambda: server.ready()[0] == 200)
        assert any(line["message"] == "alarm over" for line in server.log())


@sqlite_only
def test_a_responder_key_that_was_replaced_by_another_is_not_used(house: House, ca_dir: Path, server: Server) -> None:
    house.renew_responder()
    old, new = sorted(ca_dir.glob("ocsp/*.key"), key=lambda path: path.stat().st_mtime_ns)
    new.write_bytes(old.read_bytes())
    assert server.status(house.request()) == "INTERNAL_ERROR"
    until(lambda: server.ready()[0] == 503)


@sqlite_only
def test_a_refused_password_is_not_tried_again_until_there_is_a_new_responder(house: House, server: Server) -> None:
    """Tokens lock after a few wrong PINs, and no repetition makes one right."""
    house.renew_responder()
    wrong = (
        "UPDATE anchorhold_responder SET secrets = ? WHERE id = ?",
        ('{"password": "wrong"}', house.responder().id),
    )
    with house.opened() as installation, installation.ledger.transaction():
        installation.ledger.database.execute_sql(*wrong)
        installation.ledger.events.append("edited", "root")
    assert server.status(house.request()) == "INTERNAL_ERROR"
    time.sleep(1.5)
    assert [server.status(house.request()) for _ in range(3)] == ["INTERNAL_ERROR"] * 3
    assert (
        'anchorhold_signature_failures_total{backend="default",ca="root"} 1.0\n' in server.client.get("/metrics").text
    )
    house.renew_responder()
    assert server.status(house.request()) == "GOOD"


def test_an_expired_responder_says_try_later_until_there_is_a_new_one(house: House, server: Server) -> None:
    end = now() + dt.timedelta(seconds=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anchorhold.operations.responders.end_of_validity", lambda *_, **__: end)
        house.renew_responder()
    until(lambda: server.status(house.request()) == "TRY_LATER")
    assert now() >= end
    until(lambda: server.ready()[0] == 503)
    assert server.ready()[1]["authorities"][0]["problems"] == ["OCSP responder: its certificate has expired"]
    house.renew_responder()
    assert server.status(house.request()) == "GOOD"
    until(lambda: server.ready()[0] == 200)


def test_a_partial_crl_that_has_run_out_is_trouble_as_well(house: House, server: Server) -> None:
    theirs = house.beside("sharded", IssuancePolicy(hostname=HOSTNAME, crl_shards=3))
    theirs.renew_responder()

    def problems() -> list[str]:
        return next(one["problems"] for one in server.ready()[1]["authorities"] if one["name"] == "sharded")

    with theirs.opened() as installation, installation.keys.get(theirs.authority) as key:
        generate_crl(installation.ledger, key, None)
        until(lambda: problems() == ["CRL of shard 0 and 2 more: does not exist"])
        for shard in range(3):
            generate_crl(installation.ledger, key, shard)
        until(lambda: server.ready()[0] == 200)
        generate_crl(installation.ledger, key, 1, dt.timedelta(seconds=1))
    until(lambda: problems() == ["CRL of shard 1: it has expired"])
    assert server.ready()[0] == 503
    theirs.generate_crls()
    until(lambda: server.ready()[0] == 200)


def test_an_authority_without_responder_or_crl_is_not_ready(house: House, server: Server) -> None:
    theirs = house.beside("bare", house.authority.record.issuing)
    request = theirs.request()
    assert server.status(request) == "TRY_LATER"
    until(lambda: server.ready()[0] == 503)
    shown = {one["name"]: one["problems"] for one in server.ready()[1]["authorities"]}
    assert shown == {"root": [], "bare": ["OCSP responder: does not exist", "CRL: does not exist"]}
    theirs.renew_responder()
    theirs.generate_crls()
    assert server.status(request) == "GOOD"
    until(lambda: server.ready()[0] == 200)


def test_an_authority_that_promises_nothing_needs_nothing(house: House, server: Server) -> None:
    house.beside("private")
    assert server.ready()[0] == 200


@sqlite_only
def test_the_keys_of_authorities_are_not_needed(house: House, ca_dir: Path, tmp_path: Path) -> None:
    (ca_dir / "ca").rename(tmp_path / "safe")
    with running(tmp_path) as server:
        assert server.status(house.request()) == "GOOD"
        house.revoke()
        assert server.status(house.request(nonce=b"n" * 32)) == "REVOKED"
        assert server.client.get(f"/crl/{house.authority.record.serial}.crl").status_code == 200
        assert server.ready()[0] == 200


@pytest.mark.databases("postgresql", because="a database server can be away")
def test_a_ledger_that_is_away_says_try_later_until_it_is_back(house: House, server: Server, cluster: Cluster) -> None:
    assert server.status(house.request()) == "GOOD"
    cluster.stop()
    try:
        assert server.status(house.request()) == "TRY_LATER"
        problems = ["ledger: cannot be read; the log says why"]
        shown = {"ready": False, "ledger": "not reachable", "problems": problems, "authorities": []}
        assert server.ready() == (503, shown)
        assert server.client.get(f"/crl/{house.authority.record.serial}.crl").status_code == 503
        assert server.client.get("/healthz").status_code == 200
        assert "anchorhold_ledger_reachable 0.0" in server.client.get("/metrics").text
        assert alarms(server, "ledger")
    finally:
        cluster.start()
    until(lambda: server.status(house.request()) == "GOOD")
    until(lambda: server.ready()[0] == 200)


def test_killed_under_load_and_started_again_it_knows_every_revocation(house: House, tmp_path: Path) -> None:
    certificates = [house.sign() for _ in range(6)]
    with house.opened() as installation:
        number = installation.crls.latest(house.authority)
    port, stop = free_port(), threading.Event()

    def load() -> None:
        with new_client() as client:
            while not stop.is_set():
                for certificate in certificates:
                    try:
                        client.post(
                            f"http://127.0.0.1:{port}/ocsp", content=house.request(certificate), headers=REQUEST
                        )
                    except httpx.TransportError:
                        time.sleep(0.01)

    asking = [threading.Thread(target=load) for _ in range(3)]
    for asker in asking:
        asker.start()
    try:
        with running(tmp_path, "--workers", "2", port=port) as server:
            for certificate in certificates[:3]:
                house.revoke(f"{certificate.serial_number:x}")
            server.kill()
        (made,) = house.generate_crls()
        with running(tmp_path, "--workers", "2", port=port) as server:
            statuses = [server.status(house.request(certificate)) for certificate in certificates]
            assert server.client.get(f"/crl/{house.authority.record.serial}.crl").content == made.der
    finally:
        stop.set()
        for asker in asking:
            asker.join()
    assert statuses == ["REVOKED"] * 3 + ["GOOD"] * 3
    assert number is not None
    assert made.number > number.number


@sqlite_only
def test_a_worker_that_dies_is_replaced(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        (before,) = server.workers()
        os.kill(before, signal.SIGKILL)
        until(lambda: server.workers() and server.workers() != [before])
        until(server.answers)
        assert server.status(house.request()) == "GOOD"


def test_several_hosts_can_serve_from_one_ledger(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as one, running(tmp_path) as other:
        assert [server.status(house.request()) for server in (one, other)] == ["GOOD"] * 2
        house.revoke()
        assert [server.status(house.request()) for server in (one, other)] == ["REVOKED"] * 2
