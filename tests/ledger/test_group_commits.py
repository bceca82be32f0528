"""Threads that commit at the same time share a transaction, and lose nothing whatever happens to one of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from anchorhold.errors import LedgerError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import MakeCsr

STORM = """
import faulthandler, signal, sys, threading, anchorhold
faulthandler.dump_traceback_later(40)  # shown if the test gives it up
order = anchorhold.Order(csr=open(sys.argv[1], "rb").read(), names=["www.example.com"])
handed_out, lock, over = [], threading.Lock(), threading.Event()

def issue():
    try:
        while not over.is_set():
            serial = issuer.sign(order).serial
            with lock:
                handed_out.append(serial)
    except KeyboardInterrupt as error:
        handed_out.extend(issued.serial for issued in getattr(error, "issued", ()))

def interrupt(_, frame):
    over.set()
    callers = []
    while frame is not None:
        callers.append(frame.f_code)
        frame = frame.f_back
    if issue.__code__ in callers[1:]:  # what has been returned is not lost by the ledger
        raise KeyboardInterrupt

with anchorhold.open_installation() as installation, installation.certificates.issuer("Root") as issuer:
    signal.signal(signal.SIGINT, interrupt)
    threads = [threading.Thread(target=issue) for _ in range(15)]
    for thread in threads:
        thread.start()
    print("begin", flush=True)
    issue()
    for thread in threads:
        thread.join()
    print(*handed_out)
"""

FIRST_SIGNATURE = """
import sys, anchorhold
order = anchorhold.Order(csr=open(sys.argv[1], "rb").read(), names=["www.example.com"])
with anchorhold.open_installation() as installation, installation.certificates.issuer("Root") as issuer:
    before = set(sys.modules)
    issuer.sign(order)
    print(*(module for module in set(sys.modules) - before if module.startswith("cryptography")))
"""


def _issued() -> set[str]:
    with open_installation() as installation:
        found = installation.certificates.list(limit=1_000_000)
        return {certificate.serial for certificate in found if certificate.profile != "authority"}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("after", [0.05, 0.3])
def test_an_interrupt_of_the_main_thread_loses_nothing_of_any_thread(csr_file: Path, after: float) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    command = (sys.executable, "-c", STORM, str(csr_file))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        try:
            said, errors = process.communicate(timeout=50)
        except subprocess.TimeoutExpired:
            process.kill()
            said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert set(said.split()) == _issued()


@pytest.mark.usefixtures("database")
def test_threads_import_nothing_of_cryptography_with_the_first_signature(csr_file: Path) -> None:
    """An interrupt of a thread that waits for the import of another can keep all of them waiting for ever."""
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    command = (sys.executable, "-c", FIRST_SIGNATURE, str(csr_file))
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split() == []


def test_one_that_fails_is_alone_with_it(installation: Installation) -> None:
    ledger = installation.ledger
    outcomes: dict[int, str] = {}
    together = threading.Barrier(8)

    def commit(number: int) -> None:
        def work() -> None:
            ledger.events.append("seen", "Root", number=number)
            if number == 3:
                raise LedgerError("three: no", hint="leave it")

        together.wait()
        try:
            ledger.commit_together(work)
            outcomes[number] = "kept"
        except LedgerError as error:
            outcomes[number] = error.problem
        installation.close()

    threads = [threading.Thread(target=commit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {**dict.fromkeys(range(8), "kept"), 3: "three: no"}
    kept = [event.detail["number"] for event in ledger.events.history() if event.kind == "seen"]
    assert sorted(kept) == [0, 1, 2, 4, 5, 6, 7]


@pytest.mark.databases("postgresql", because="a server can end a session")
def test_a_session_that_the_server_ends_costs_no_certificate(database: str, make_csr: MakeCsr) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        order, handed_out, lock = Order(csr=make_csr(), names=["www.example.com"]), set(), threading.Lock()
        over = threading.Event()
        with installation.certificates.issuer("Root") as issuer:

            def issue() -> None:
                while not over.is_set():
                    serials: list[str] = []
                    try:
                        serials.append(issuer.sign(order).serial)
                    except LedgerError as error:
                        serials += [issued.serial for issued in error.issued]
                    with lock:
                        handed_out.update(serials)
                installation.close()

            threads = [threading.Thread(target=issue) for _ in range(6)]
            for thread in threads:
                thread.start()
            with closing(psycopg.connect(database, autocommit=True)) as other:
                for _ in range(10):
                    time.sleep(0.1)
                    other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
            over.set()
            for thread in threads:
                thread.join()
    assert handed_out == _issued()
