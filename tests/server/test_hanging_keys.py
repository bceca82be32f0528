"""A key that hangs, from the first time or after it was quick for long, keeps nobody waiting but who asked for it."""

from __future__ import annotations

import datetime as dt
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from anchorhold.installation import open_installation
from anchorhold.ledger import IssuancePolicy
from anchorhold.x509.ocsp import CertStatus
from anchorhold.x509.ocsp_requests import load_ocsp_request
from anchorhold_server import responders
from anchorhold_server.ledger_reader import LedgerReader
from anchorhold_server.metrics import Metrics
from anchorhold_server.responders import Responder
from server.hanging import install_hanging
from server.serving import HOSTNAME, House, Server, build_house, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = dt.timedelta(days=1)
sqlite_only = pytest.mark.databases("sqlite", because="it is about keys, not about the ledger")


def houses() -> tuple[House, House]:
    """A house, and an authority beside it whose responder's key is under the alias that may hang."""
    house = build_house()
    return house, house.beside("hanging", IssuancePolicy(hostname=HOSTNAME, ocsp_key_backend="other"), ready=True)


@contextmanager
def asking(house: House, server: Server, count: int) -> Iterator[None]:
    """So many are asking for what needs a key that hangs, each on a connection of its own."""

    def ask(number: int) -> None:
        server.status(house.request(nonce=bytes([number]) * 32), server.another_client())

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for asker in askers:
        asker.start()
    time.sleep(0.3)
    try:
        yield
    finally:
        for asker in askers:
            asker.join()


def stays_quick(house: House, server: Server) -> None:
    """Responses for another authority are signed, and the server says it is there, without waiting for what hangs."""
    begun = time.monotonic()
    for number in range(5):
        assert server.status(house.request(nonce=bytes([number]) * 32)) == "GOOD"
    assert server.client.get("/healthz").status_code == 200
    assert time.monotonic() - begun < 4.5, "a key that hangs is given up after five seconds"


def problems(server: Server) -> dict[str, list[str]]:
    """What it says is wrong, by authority; the ledger never is."""
    shown = server.ready()[1]
    assert shown["ledger"] == "reachable"
    return {one["name"]: one["problems"] for one in shown["authorities"]}


def hangs_and_comes_back(house: House, other: House, server: Server, hangs: Path) -> None:
    """A key hangs from now on; others go on, it is told of, and all is well once it has come back."""
    hangs.touch()
    assert server.status(house.request(nonce=b"n" * 32)) == "GOOD"
    with asking(other, server, 12):
        for _ in range(3):
            stays_quick(house, server)
            time.sleep(0.5)
    assert problems(server) == {"root": [], "hanging": ["OCSP responder: its key does not answer in time"]}
    assert server.status(other.request(nonce=b"n" * 32)) == "INTERNAL_ERROR"
    stays_quick(house, server)
    hangs.unlink()
    until(lambda: server.status(other.request(nonce=b"n" * 32)) == "GOOD")
    until(lambda: server.ready()[0] == 200)
    assert {line["subject"] for line in server.log() if line["message"] == "alarm"} == {"responder hanging"}


@sqlite_only
@pytest.mark.parametrize("kind", ["token", "wrapper"])
def test_a_key_that_hangs_after_it_was_quick(
    kind: str, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = install_hanging(kind, tmp_path, monkeypatch)
    house, other = houses()
    with running(tmp_path) as server:
        for number in range(20):
            assert server.status(other.request(nonce=bytes([number]) * 32)) == "GOOD"
        hangs_and_comes_back(house, other, server, hangs)


@pytest.mark.databases("postgresql", because="the ledger is read in threads there")
@pytest.mark.parametrize("kind", ["token", "opening"])
def test_a_key_that_hangs_from_the_first_time(
    kind: str, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = install_hanging(kind, tmp_path, monkeypatch)
    house, other = houses()
    hangs.touch()
    with running(tmp_path) as server:
        hangs_and_comes_back(house, other, server, hangs)


@sqlite_only
@pytest.mark.parametrize(
    ("kind", "in_memory"), [("token", {"root"}), ("wrapper", set()), ("opening", {"root", "hanging"})]
)
def test_only_a_key_in_memory_with_nothing_around_it_is_used_in_the_event_loop(
    kind: str, in_memory: set[str], tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However quick the others are; and one in memory is, or signing would cost the way to another thread."""
    install_hanging(kind, tmp_path, monkeypatch)
    monkeypatch.setattr(responders, "QUICK", 10.0)  # on this machine, now
    both, in_process = houses(), set[str]()
    with open_installation() as installation:
        for house in both:
            responder = Responder(LedgerReader(installation), house.authority, house.responder(), Metrics(tmp_path))
            responder.respond(load_ocsp_request(house.request()).cert_id, CertStatus(issued=True), None, DAY)
            if responder.in_process_signer is not None:
                in_process.add(house.authority.name)
            responder.close()
        assert in_process == in_memory
