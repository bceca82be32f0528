"""Threads that issue one at a time with one issuer: one issues for all that wait, and each gets what is its own."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from anchorhold.errors import AnchorholdError, AuthorityNotReadyError, DeadlineError, LedgerError
from anchorhold.installation import open_installation
from anchorhold.ledger.certificates import CertificateRepository
from anchorhold.ledger.group_commits import Groups, LeaderLostError
from anchorhold.operations.certificate_drafter import CertificateDrafter
from anchorhold.operations.issuance import IssuanceBatch
from anchorhold.operations.order import Issued, Order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from anchorhold.installation import Installation
    from anchorhold.ledger.group_commits import Entry
    from anchorhold.operations.issuer import Issuer
    from conftest import Command, MakeCsr

COMPANY = 8

FORKING = """
import os, sys, threading, time
import anchorhold
from anchorhold.errors import LedgerError
from psycopg import connect

order = anchorhold.Order(csr=sys.stdin.buffer.read(), names=["www.example.com"])
with anchorhold.open_installation() as installation, installation.certificates.issuer("Root") as issuer:
    def issue():
        os.write(1, (issuer.sign(order).serial + os.linesep).encode())
        installation.close()

    def issue_all(count):
        threads = [threading.Thread(target=issue, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads

    issue()
    with connect(os.environ["ANCHORHOLD_DATABASE"]) as other:
        other.execute("LOCK TABLE anchorhold_certificate IN EXCLUSIVE MODE")
        threads = issue_all(4)
        while len(issuer._together._waiting) < 3:
            time.sleep(0.01)
        child = os.fork()
        if child == 0:
            for thread in issue_all(4):
                thread.join()
            os._exit(0)
    for thread in threads:
        thread.join()
    assert os.waitpid(child, 0)[1] == 0
"""


@contextmanager
def _held(database: str) -> Iterator[None]:
    """Nothing is recorded meanwhile."""
    if database.startswith("sqlite"):
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
    else:
        with psycopg.connect(database) as server:
            server.execute("LOCK TABLE anchorhold_certificate IN EXCLUSIVE MODE")
            yield


def _all_at_once(issuer: Issuer, orders: Sequence[Order], close: Callable[[], object], database: str) -> list[Any]:
    """What each thread gets for its order: the first leads alone, and the second for all others."""
    outcomes: list[Any] = [None] * len(orders)

    def issue(number: int) -> None:
        try:
            outcomes[number] = issuer.sign(orders[number])
        except BaseException as error:
            outcomes[number] = error
        close()

    threads = [threading.Thread(target=issue, args=(number,)) for number in range(len(orders))]
    with _held(database):
        threads[0].start()
        _wait_until(lambda: issuer._together._is_led)
        _wait_until(lambda: not issuer._together._waiting)
        for thread in threads[1:]:
            thread.start()
        refused = sum(order.csr == b"" for order in orders)
        _wait_until(lambda: len(issuer._together._waiting) == len(orders) - 1 - refused)
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return outcomes


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _statuses(installation: Installation) -> dict[str, str]:
    found = installation.ledger._tables.certificate.select().where(
        installation.ledger._tables.certificate.profile != "authority"
    )
    return {row.serial: row.status for row in found}


def _serials(outcomes: Sequence[Any]) -> set[str]:
    return {outcome.serial for outcome in outcomes if isinstance(outcome, Issued)}


@pytest.fixture
def root(installation: Installation) -> Installation:
    """An installation with an authority."""
    installation.authorities.create("Root", "CN=Root")
    return installation


@pytest.fixture
def order(make_csr: MakeCsr) -> Order:
    """What can be issued."""
    return Order(csr=make_csr(), names=["www.example.com"])


@pytest.fixture
def issuer(root: Installation, order: Order) -> Iterator[Issuer]:
    """One whose key is open."""
    with root.certificates.issuer("Root") as opened:
        opened.sign(order)
        yield opened


def test_one_thread_issues_for_all_that_wait(
    root: Installation, issuer: Issuer, order: Order, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    reserve = CertificateRepository.reserve

    def counted(self: CertificateRepository, authority_id: int, reservations: Sequence[Any]) -> None:
        sizes.append(len(reservations))
        reserve(self, authority_id, reservations)

    monkeypatch.setattr(CertificateRepository, "reserve", counted)
    outcomes = _all_at_once(issuer, [order] * COMPANY, root.close, database)
    assert sizes == [1, COMPANY - 1]
    assert len(_serials(outcomes)) == COMPANY
    assert all(_statuses(root)[serial] == "issued" for serial in _serials(outcomes))


@pytest.mark.parametrize("bad", [Order(csr=b""), "no name", "broken"])
def test_an_order_that_is_not_fit_is_an_error_of_its_thread_alone(
    root: Installation,
    issuer: Issuer,
    order: Order,
    database: str,
    bad: Order | str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draft = CertificateDrafter.draft

    def drafted(self: CertificateDrafter, order: Order, *checked: Any) -> Any:
        if order.names == ["broken"]:
            raise ValueError("of a library")
        return draft(self, order, *checked)

    monkeypatch.setattr(CertificateDrafter, "draft", drafted)
    if isinstance(bad, str):
        bad = Order(csr=order.csr, names=["broken"] if bad == "broken" else [])
    outcomes = _all_at_once(issuer, [order, order, bad, *[order] * 5], root.close, database)
    assert isinstance(outcomes.pop(2), ValueError if bad.names == ["broken"] else AnchorholdError)
    assert len(_serials(outcomes)) == 7
    assert {_statuses(root)[serial] for serial in _serials(outcomes)} == {"issued"}


@pytest.mark.parametrize("times", [1, 100])
def test_what_the_ledger_does_not_record_is_not_handed_out(
    root: Installation, issuer: Issuer, order: Order, database: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete, left = CertificateRepository.complete, times

    def completed(self: CertificateRepository, authority_id: int, issued: Sequence[tuple[str, bytes]]) -> None:
        nonlocal left
        if len(issued) > 1 and left:
            left -= 1
            raise LedgerError("ledger: is full", hint="make room")
        complete(self, authority_id, issued)

    before = set(_statuses(root))
    monkeypatch.setattr(CertificateRepository, "complete", completed)
    outcomes = _all_at_once(issuer, [order] * COMPANY, root.close, database)
    recorded = {serial for serial, status in _statuses(root).items() if status == "issued"} - before
    assert _serials(outcomes) == recorded
    assert len(recorded) == (COMPANY if times == 1 else 1)
    errors = [outcome for outcome in outcomes if not isinstance(outcome, Issued)]
    assert {error.issued for error in errors} <= {()}
    assert len({id(error) for error in errors}) == len(errors)


def test_a_thread_that_is_stopped_while_it_issues_for_others_stops_alone(
    root: Installation, issuer: Issuer, order: Order, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_all = IssuanceBatch.sign_all

    def stopped(self: IssuanceBatch, *arguments: Any) -> list[bytes]:
        if len(self.intents) > 1:
            raise SystemExit
        return sign_all(self, *arguments)

    monkeypatch.setattr(IssuanceBatch, "sign_all", stopped)
    outcomes = _all_at_once(issuer, [order] * COMPANY, root.close, database)
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Issued)] == [SystemExit]
    assert {_statuses(root)[serial] for serial in _serials(outcomes)} == {"issued"}


def test_all_that_wait_learn_that_the_authority_was_disabled(
    root: Installation, issuer: Issuer, order: Order, anchorhold: Command
) -> None:
    handed_out: list[str] = []
    ended: list[BaseException] = []

    def issue() -> None:
        try:
            while True:
                handed_out.append(issuer.sign(order).serial)
        except AuthorityNotReadyError as error:
            ended.append(error)
        root.close()

    before = set(_statuses(root))
    threads = [threading.Thread(target=issue) for _ in range(COMPANY)]
    for thread in threads:
        thread.start()
    _wait_until(lambda: len(handed_out) > 2 * COMPANY)
    assert anchorhold("edit-ca", "Root", "--disable").exit_code == 0
    recorded = set(_statuses(root)) - before
    for thread in threads:
        thread.join(60)
    assert len(ended) == COMPANY
    assert set(handed_out) == set(_statuses(root)) - before == recorded
    assert anchorhold("edit-ca", "Root", "--enable").exit_code == 0
    assert issuer.sign(order).serial in _statuses(root)


def test_the_deadline_and_the_actor_are_those_of_the_issuer(root: Installation, order: Order) -> None:
    outcomes: dict[str, list[Any]] = {"one": [], "two": []}

    def issue(issuer: Issuer, name: str) -> None:
        try:
            outcomes[name].append(issuer.sign(order).serial)
        except DeadlineError as error:
            outcomes[name].append(error)
        root.close()

    one, two = (root.as_actor(name) for name in outcomes)
    with one.certificates.issuer("Root") as first, two.within(2).certificates.issuer("Root") as second:
        issuers = {"one": first, "two": second}
        for moment in range(2):
            for opened in issuers.values() if moment == 0 else ():
                opened.sign(order)
            time.sleep(2 * moment)
            threads = [
                threading.Thread(target=issue, args=(opened, name))
                for name, opened in issuers.items()
                for _ in range(COMPANY)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert all(isinstance(serial, str) for serial in outcomes["one"])
    late = [outcome for outcome in outcomes["two"] if isinstance(outcome, DeadlineError)]
    assert len(late) >= COMPANY
    for name, found in outcomes.items():
        for serial in found:
            if isinstance(serial, str):
                (record,) = root.ledger.certificates.find(serial)
                assert record.audit is not None
                assert record.audit.actor.name == name
    assert "reserved" not in _statuses(root).values()


@pytest.mark.databases("postgresql", because="a child does not use a file of SQLite that its parent has open")
def test_a_child_issues_whatever_the_threads_of_its_parent_wait_for(order: Order, database: str) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    assert isinstance(order.csr, bytes)
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    done = subprocess.run(command, input=order.csr, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    serials = done.stdout.decode().split()
    assert len(set(serials)) == 1 + 4 + 4
    with open_installation() as installation:
        assert {_statuses(installation)[serial] for serial in serials} == {"issued"}


@pytest.mark.databases(because="nothing is recorded")
def test_those_behind_a_thread_that_is_stopped_go_on() -> None:
    begun = threading.Event()
    seen: list[type[BaseException] | None] = []

    class Numbers(Groups[int]):
        def work_for(self, group: Sequence[Entry[int]]) -> None:
            if len(group) > 1:
                group[1].is_settled = True
                raise KeyboardInterrupt
            begun.wait(30)

    numbers = Numbers()

    def run(number: int) -> None:
        try:
            numbers.run(number)
        except BaseException as error:
            seen.append(type(error))
        else:
            seen.append(None)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(5)]
    threads[0].start()
    _wait_until(lambda: numbers._is_led and not numbers._waiting)
    for thread in threads[1:]:
        thread.start()
    _wait_until(lambda: len(numbers._waiting) == 4)
    begun.set()
    for thread in threads:
        thread.join()
    assert Counter(seen) == {None: 2, KeyboardInterrupt: 1, LeaderLostError: 2}
    numbers.run(5)
