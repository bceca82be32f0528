"""A server ends when it is told to: soon, whatever else happens, with every answer given and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from anchorhold_server.event_loop import SIGNALS, WorkerLoop
from server.serving import House, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.databases("sqlite", because="it is about processes, not about the ledger")

BEGUN = b"POST /ocsp HTTP/1.1\r\nhost: x\r\ncontent-type: application/ocsp-request\r\ncontent-length: %d\r\n\r\n"


def test_ending_in_order_loses_no_answer(house: House, slow_signing: None, tmp_path: Path) -> None:
    outcomes: list[str] = []
    with running(tmp_path, "--workers", "2") as server:

        def ask(number: int) -> None:
            outcomes.append(server.status(house.request(nonce=bytes([number]) * 32)))

        asking = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for asker in asking:
            asker.start()
        time.sleep(0.7)  # all have been sent, none is signed yet
        assert server.stop() == 0
        for asker in asking:
            asker.join()
    assert outcomes == ["GOOD"] * 8


def test_told_again_and_again_it_loses_no_answer(house: House, tmp_path: Path) -> None:
    """A service manager tells all processes at once, the starter tells its workers, and people press Ctrl-C twice."""
    request = house.request()
    with running(tmp_path, "--workers", "2") as server:
        askers = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(6)]
        for asker in askers:
            asker.sendall(BEGUN % len(request) + request[:10])
        time.sleep(0.3)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            for process in (*server.workers(), server.process.pid):
                os.kill(process, number)
            time.sleep(0.15)
        for asker in askers:
            asker.sendall(request[10:])
        assert [asker.recv(12) for asker in askers] == [b"HTTP/1.1 200"] * 6
        for asker in askers:
            asker.close()
        assert server.process.wait(5) == 0


def test_while_many_connections_break_it_ends_soon(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        connections = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(1000)]
        for connection in connections:
            connection.sendall(BEGUN % 80)
        assert server.status(house.request()) == "GOOD"
        for connection in connections:
            connection.close()
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 10
        assert "Exception" not in server.log_file.read_text()


@pytest.fixture
def loop() -> Iterator[WorkerLoop]:
    """An event loop that nothing but a test uses; afterwards, signals do what they did before."""
    before = [signal.getsignal(number) for number in SIGNALS]
    loop = WorkerLoop()
    yield loop
    loop.close()
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_heard_and_no_other_however_busy_the_loop_is(
    loop: WorkerLoop, number: signal.Signals
) -> None:
    heard: list[signal.Signals] = []
    for each in SIGNALS:
        loop.add_signal_handler(each, heard.append, each)

    async def storm() -> None:
        for _ in range(3):
            for _ in range(10_000):  # the pipe of asyncio takes a few hundred, and loses signals beyond
                loop.call_soon_threadsafe(int)
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.1)

    loop.run_until_complete(storm())
    assert heard == [number]


def test_workers_end_when_the_one_that_has_started_them_was_killed(house: House, tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as server:
        workers = server.workers()
        server.process.kill()
        server.process.wait()
        until(lambda: not any(_is_running(number) for number in workers))


def _is_running(number: int) -> bool:
    try:
        with open(f"/proc/{number}/stat") as file:  # noqa: PTH123  # of the kernel
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_its_folder_goes_with_it(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running(tmp_path) as server:
        assert len(list(tmp_path.glob("anchorhold-serve-*"))) == 1
        assert server.stop() == 0
    assert not list(tmp_path.glob("anchorhold-serve-*"))


def test_idle_connections_do_not_keep_it_from_ending(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert idle.recv(15) == b"HTTP/1.1 200 OK"
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 10
