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

from anchorhold.x509.validity import now
from server.serving import REQUEST, House, Server, free_port, running, until

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.ledger.records import ResponderRecord
    from postgresql_cluster import Cluster

sqlite_only = pytest.mark.databases("sqlite", because="it is about processes and files, not about the ledger")


def responder_of(house: House) -> ResponderRecord:
    """The record of the responder that answers."""
    found = house.installation.ledger.responders.active(house.authority.record.id)
    assert found is not None
    return found


def alarms(server: Server, subject: str) -> list[str]:
    """What its log says of a subject."""
    return [line["problem"] for line in server.log() if line.get("subject") == subject and line["level"] == "error"]


@sqlite_only
def test_a_missing_responder_key_is_an_internal_error_until_it_is_back(
    house: House, ca_dir: Path, tmp_path: Path
) -> None:
    key = next(ca_dir.glob(f"**/{responder_of(house).key_id.hex()}.key"))
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
    house.installation.renew_responder(house.authority)
    old, new = sorted(ca_dir.glob("ocsp/*.key"), key=lambda path: path.stat().st_mtime_ns)
    new.write_bytes(old.read_bytes())
    assert server.status(house.request()) == "INTERNAL_ERROR"
    until(lambda: server.ready()[0] == 503)


@sqlite_only
def test_a_refused_password_is_not_tried_again_until_there_is_a_new_responder(house: House, server: Server) -> None:
    """Tokens lock after a few wrong PINs, and no repetition makes one right."""
    house.installation.renew_responder(house.authority)
    wrong = (
        "UPDATE anchorhold_responder SET secrets = ? WHERE id = ?",
        ('{"password": "wrong"}', responder_of(house).id),
    )
    ledger = house.installation.ledger
    with ledger.transaction():
        ledger.database.execute_sql(*wrong)
        ledger.events.append("edited", "root")
    assert server.status(house.request()) == "INTERNAL_ERROR"
    time.sleep(1.5)
    assert [server.status(house.request()) for _ in range(3)] == ["INTERNAL_ERROR"] * 3
    assert 'anchorhold_signature_failures_total{backend="default",ca="root"} 1\n' in server.client.get("/metrics").text
    house.installation.renew_responder(house.authority)
    assert server.status(house.request()) == "GOOD"


def test_an_expired_responder_says_try_later_until_there_is_a_new_one(house: House, server: Server) -> None:
    end = now() + dt.timedelta(seconds=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anchorhold.issuing.responders.end_of_validity", lambda *_, **__: end)
        house.installation.renew_responder(house.authority)
    until(lambda: server.status(house.request()) == "TRY_LATER")
    assert now() >= end
    until(lambda: server.ready()[0] == 503)
    assert server.ready()[1]["authorities"][0]["problems"] == ["OCSP responder: its certificate has expired"]
    house.installation.renew_responder(house.authority)
    assert server.status(house.request()) == "GOOD"
    until(lambda: server.ready()[0] == 200)


def test_an_authority_without_responder_or_crl_is_not_ready(house: House, server: Server) -> None:
    bare = house.installation.create_authority("bare", "CN=Bare", issuing=house.authority.record.issuing)
    theirs = House(house.installation, bare, house.leaf)
    request = theirs.request(theirs.sign())
    assert server.status(request) == "TRY_LATER"
    until(lambda: server.ready()[0] == 503)
    shown = {one["name"]: one["problems"] for one in server.ready()[1]["authorities"]}
    assert shown == {"root": [], "bare": ["OCSP responder: there is none", "CRL: there is none"]}
    house.installation.renew_responder(bare)
    list(house.installation.generate_crls(bare))
    assert server.status(request) == "GOOD"
    until(lambda: server.ready()[0] == 200)


def test_an_authority_that_promises_nothing_needs_nothing(house: House, server: Server) -> None:
    house.installation.create_authority("private", "CN=Private")
    assert server.ready()[0] == 200


@sqlite_only
def test_the_keys_of_authorities_are_not_needed(house: House, ca_dir: Path, tmp_path: Path) -> None:
    (ca_dir / "ca").rename(tmp_path / "safe")
    with running(tmp_path) as server:
        assert server.status(house.request()) == "GOOD"
        house.installation.revoke(house.serial)
        assert server.status(house.request(nonce=b"n" * 32)) == "REVOKED"
        assert server.client.get(f"/crl/{house.authority.record.serial}.crl").status_code == 200
        assert server.ready()[0] == 200


@pytest.mark.databases("postgresql", because="a database server can be away")
def test_a_ledger_that_is_away_says_try_later_until_it_is_back(house: House, server: Server, cluster: Cluster) -> None:
    assert server.status(house.request()) == "GOOD"
    cluster.stop()
    try:
        assert server.status(house.request()) == "TRY_LATER"
        assert server.ready() == (503, {"ready": False, "ledger": "not reachable", "authorities": []})
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
    number = house.installation.crl(house.authority)
    port, stop = free_port(), threading.Event()

    def load() -> None:
        with httpx.Client(trust_env=False) as client:
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
                house.installation.revoke(f"{certificate.serial_number:x}")
            server.kill()
        (made,) = house.installation.generate_crls(house.authority)
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
        house.installation.revoke(house.serial)
        assert [server.status(house.request()) for server in (one, other)] == ["REVOKED"] * 2
