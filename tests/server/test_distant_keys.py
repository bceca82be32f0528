"""The server and a key that is far away: as many signatures at once as it takes, and clients told to try later."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from server.serving import build_house, running

if TYPE_CHECKING:
    from pathlib import Path

    from distant.distant_fixtures import Distant
    from server.serving import House, Server

pytestmark = pytest.mark.databases("sqlite", because="it is about keys, not about the ledger")


def served(distant: Distant, monkeypatch: pytest.MonkeyPatch) -> House:
    """An authority whose responder's key is in the service."""
    distant.configure("distant-sixteen")
    monkeypatch.setenv("PYTHONPATH", f"{distant.site}{os.pathsep}{distant.tests}")
    return build_house()


def ask_at_once(house: House, server: Server, clients: int, each: int) -> list[str]:
    """What so many clients are told, each of which asks several times."""
    told: list[str] = []

    def ask(number: int) -> None:
        client = server.another_client()
        for turn in range(each):
            told.append(server.status(house.request(nonce=bytes([number, turn]) * 16), client))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_many_clients_have_as_many_signatures_under_way_as_the_key_takes(
    distant: Distant, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = served(distant, monkeypatch)
    distant.plan(latency=0.2)
    with running(tmp_path, "--workers", "1") as server:
        assert set(ask_at_once(house, server, 40, 3)) == {"GOOD"}
    assert 12 <= distant.seen()["most_at_once"] <= 16


def test_clients_of_a_busy_key_are_told_to_try_later(
    distant: Distant, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = served(distant, monkeypatch)
    with running(tmp_path, "--workers", "1") as server:
        assert server.status(house.request(nonce=b"n" * 32)) == "GOOD"
        distant.plan(plan=["busy"] * 4, retry_after=5.0)
        assert server.status(house.request(nonce=b"o" * 32)) == "TRY_LATER"
        distant.plan(plan=["busy"], retry_after=0.05)
        assert server.status(house.request(nonce=b"p" * 32)) == "GOOD", "a moment is waited for"


def test_a_session_that_is_over_is_replaced_and_no_client_notices(
    distant: Distant, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = served(distant, monkeypatch)
    with running(tmp_path, "--workers", "1") as server:
        assert server.status(house.request(nonce=b"n" * 32)) == "GOOD"
        before = distant.seen()["sessions"]
        distant.plan(plan=["over"], latency=0.05)
        assert set(ask_at_once(house, server, 10, 3)) == {"GOOD"}
        assert distant.seen()["sessions"] == before + 1
