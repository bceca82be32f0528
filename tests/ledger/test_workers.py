"""Workers say that they run; nothing else is known of them."""

from __future__ import annotations

import os
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from anchorhold.ledger import workers

if TYPE_CHECKING:
    from anchorhold.installation import Installation


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by the database, which may be changed."""
    moments = [2_000_000_000.0]
    monkeypatch.setattr(workers, "database_time", lambda _: moments[0])
    return moments


def test_a_worker_is_known_from_its_begin_to_its_end(installation: Installation, clock: list[float]) -> None:
    service = installation.workers
    service.begin("worker@one", ["default", "token"])
    (found,) = service.list()
    assert found.to_json() == {
        "name": "worker@one",
        "host": socket.gethostname(),
        "process": os.getpid(),
        "version": version("anchorhold"),
        "aliases": ["default", "token"],
        "started_at": "2033-05-18T03:33:20+00:00",
        "seen_at": "2033-05-18T03:33:20+00:00",
        "signed_at": None,
        "running": True,
    }
    clock[0] += 60
    assert service.see("worker@one", signed=True)
    clock[0] += 60
    assert service.see("worker@one")
    (found,) = service.list()
    assert found.signed_at is not None
    assert [(found.seen_at - found.started_at).seconds, (found.signed_at - found.started_at).seconds] == [120, 60]
    service.end("worker@one")
    assert list(service.list()) == []
    assert not service.see("worker@one")


def test_a_worker_that_was_not_seen_for_minutes_does_not_run(installation: Installation, clock: list[float]) -> None:
    installation.workers.begin("one", [])
    clock[0] += workers.ALIVE
    installation.workers.begin("two", [])
    assert [(found.name, found.is_running) for found in installation.workers.list()] == [("one", True), ("two", True)]
    clock[0] += 1
    assert [found.is_running for found in installation.workers.list()] == [False, True]


def test_a_worker_takes_the_place_of_one_of_its_name_and_old_ones_are_forgotten(
    installation: Installation, clock: list[float]
) -> None:
    for name in ("one", "two"):
        installation.workers.begin(name, ["a"])
    clock[0] += workers.FORGOTTEN
    installation.workers.begin("one", ["b"])
    assert [(found.name, found.aliases) for found in installation.workers.list()] == [("one", ("b",)), ("two", ("a",))]
    clock[0] += 1
    installation.workers.begin("one", ["c"])
    assert [(found.name, found.aliases) for found in installation.workers.list()] == [("one", ("c",))]
