"""What a worker does at its start, and in each new revision, does not become slow with the number of authorities."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.operations.responder_keys import open_responder
from anchorhold_server import key_executors, timeouts
from anchorhold_server.authority_snapshot import take_snapshot
from anchorhold_server.components import Components
from anchorhold_server.key_executors import KeyExecutors
from anchorhold_server.ledger_reader import LedgerReader
from anchorhold_server.metrics import Metrics
from anchorhold_server.snapshot_source import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.plugin import Signer
    from anchorhold_server.authority_snapshot import AuthoritySnapshot
    from server.serving import House


pytestmark = pytest.mark.databases("sqlite", "postgresql", because="all authorities are asked of each")


class Statements:
    """Counts what is asked of the database of an installation."""

    def __init__(self, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        self._count = 0
        database = installation.ledger.database
        execute: Callable[..., Any] = database.execute_sql

        def counted(*given: Any, **named: Any) -> Any:
            self._count += 1
            return execute(*given, **named)

        monkeypatch.setattr(database, "execute_sql", counted)

    def during(self, work: Callable[[], object]) -> int:
        """How many statements something takes."""
        before = self._count
        work()
        return self._count - before


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """For the ledger; its connection is closed by the test."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def start(parts: Components) -> AuthoritySnapshot:
    """What a worker does until it is ready, without a server: its parts in this thread."""
    parts.reader.check_responder_backends()
    snapshot = take_snapshot(parts.reader, parts.metrics, EMPTY)
    asyncio.run(parts.keys.open_all(snapshot.responders(), parts.reader.responder_passwords()))
    assert parts.monitor.check(snapshot).ready
    return snapshot


def test_more_authorities_take_no_more_statements(
    house: House, tmp_path: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> tuple[int, int]:
        with house.opened() as installation:
            parts, statements = Components.of(installation, tmp_path, threads), Statements(installation, monkeypatch)
            begun: list[AuthoritySnapshot] = []
            first = statements.during(lambda: begun.append(start(parts)))
            again = statements.during(lambda: take_snapshot(parts.reader, parts.metrics, begun[0]))
            for responder in begun[0].responders():
                responder.close()
            return first, again

    counted()  # the first one migrates nothing, but asks whether there is anything to be migrated
    of_one = counted()
    for number in range(3):
        house.beside(f"another{number}", house.authority.record.issuing, ready=True)
    assert counted() == of_one


def test_no_key_of_a_responder_is_opened_before_it_is_asked_for(house: House, tmp_path: Path) -> None:
    house.beside("another", ready=True)
    with house.opened() as installation:
        snapshot = take_snapshot(LedgerReader(installation), Metrics(tmp_path), EMPTY)
        responders = sorted(snapshot.responders(), key=lambda responder: responder.record.id)
        assert [responder.is_open for responder in responders] == [False, False]
        responders[1].check()
        assert [responder.is_open for responder in responders] == [False, True]
        responders[1].close()


def test_what_has_not_changed_is_not_parsed_again(house: House, tmp_path: Path) -> None:
    house.beside("another", ready=True)
    with house.opened() as installation:
        reader, metrics = LedgerReader(installation), Metrics(tmp_path)
        before = take_snapshot(reader, metrics, EMPTY)
        installation.authorities.edit("another", enabled=False)
        after = take_snapshot(reader, metrics, before)
    same = [serial for serial, one in after.served.items() if one.authority is before.served[serial].authority]
    assert same == [house.authority.record.serial]


@pytest.mark.databases("sqlite", because="it is about keys, not about the ledger")
def test_of_keys_that_are_opened_together_only_the_one_that_hangs_is_given_up(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, seconds in (
        (timeouts, "OPERATION_TIMEOUT", 0.5),
        (timeouts, "STARTUP_PERIOD", 0.5),
        (key_executors, "OPERATION_TIMEOUT", 0.5),
        (key_executors, "SLICE", 10.0),
    ):
        monkeypatch.setattr(module, name, seconds)
    for name in ("hanging", "another", "third"):
        house.beside(name, ready=True)
    goes_on = Event()

    def opened(ledger: Any, authority: Any, *given: Any) -> Signer:
        if authority.name == "hanging":
            goes_on.wait(20)
        return open_responder(ledger, authority, *given)

    monkeypatch.setattr("anchorhold_server.ledger_reader.open_responder", opened)

    async def scenario() -> None:
        keys, open_ones = KeyExecutors(), {name: one for name, one in by_name.items() if name != "hanging"}
        for _ in range(2):  # those that are left are opened the next time
            await keys.open_all(by_name.values(), reader.responder_passwords())
        assert all(one.is_open for one in open_ones.values())
        assert [name for name, one in by_name.items() if keys.is_timed_out(one)] == ["hanging"]
        goes_on.set()
        while keys.is_timed_out(by_name["hanging"]):
            await asyncio.sleep(0.01)
        assert by_name["hanging"].is_open

    with house.opened() as installation:
        reader = LedgerReader(installation)
        snapshot = take_snapshot(reader, Metrics(tmp_path), EMPTY)
        by_name = {one.authority.name: one for one in sorted(snapshot.responders(), key=lambda one: one.record.id)}
        asyncio.run(scenario())
        for one in by_name.values():
            one.close()
