"""What happens around a signature in threads, hooks and libraries that behave as nobody expects."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anchorhold.errors import BackendBusyError, BackendFailedError, LedgerError, RefusedError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import WRAPPERS_GROUP, RecordedEvent, hookimpl, retries, unresponsive
from anchorhold.plugin.unresponsive import UnresponsiveAliases
from plugin.fake_backends import NO_SECRETS, MemoryBackend, Recorder, bound, create_request, key_request, offer
from plugin.fake_backends import settings_file as write_settings

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from anchorhold.plugin import Signer, SignRequest
    from conftest import MakeCsr

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database but how it is locked"),
]


class Busy(MemoryBackend):
    """Is asked again and again in vain."""

    asked: ClassVar[list[float]] = []

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        self.asked.append(time.monotonic())
        raise BackendBusyError("busy: no", hint="wait", retry_after=0.1)


class Cancelled(MemoryBackend):
    """Raises what is no `Exception`, as libraries with time-outs of their own do."""

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        raise asyncio.CancelledError("hunter2")


class Choosy(Recorder):
    """Refuses some of the certificates."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Generator[None, bytes, bytes]:
        if request.draft is not None and request.draft.subject.rfc4514_string() == "CN=bad.example.com":
            raise RefusedError("policy: not that name", hint="choose another one")
        return (yield)


class Issuing(Recorder):
    """Issues a certificate once it hears of one."""

    order: ClassVar[Any] = None
    issued: ClassVar[list[str]] = []

    @hookimpl
    def recorded(self, event: RecordedEvent) -> None:
        order, type(self).order = self.order, None
        if order is not None and event.kind == "certificate-issued":
            with open_installation() as installation:
                self.issued.append(installation.certificates.sign("Root", order).serial)


def test_a_busy_alias_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PATIENCE", 0.5)
    monkeypatch.setattr(unresponsive, "SLOW", 0.3)
    monkeypatch.setattr(Busy, "asked", [])
    backend = bound(Busy)
    created = backend.create_key(create_request(), NO_SECRETS)
    once = backend.asked_once(UnresponsiveAliases())
    for _ in range(2):
        with pytest.raises(BackendBusyError):
            once.load_signer(key_request(created), NO_SECRETS)
        asked = len(Busy.asked)
        assert asked > 1
        begun = time.monotonic()
        with pytest.raises(BackendBusyError):
            once.load_signer(key_request(created), NO_SECRETS)
        assert time.monotonic() - begun < 0.2
        assert len(Busy.asked) == asked
        once = backend.asked_once(UnresponsiveAliases())


def test_what_is_no_exception_is_an_error_of_its_plugin_and_shows_nothing() -> None:
    backend = bound(Cancelled)
    created = backend.create_key(create_request(), NO_SECRETS)
    with pytest.raises(BackendFailedError) as caught:
        backend.load_signer(key_request(created), NO_SECRETS)
    assert "load_signer failed (CancelledError)" in caught.value.problem
    assert "hunter2" not in str(caught.value)


def test_an_earlier_deadline_stays() -> None:
    with open_installation() as installation:
        inner = installation.within(0.001).within(1000)
        time.sleep(0.01)
        with pytest.raises(BackendFailedError, match="the time is over"):
            inner.authorities.create("Late", "CN=Late")


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_hook_that_hears_of_a_certificate_may_issue_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_csr: MakeCsr, *, in_thread: bool
) -> None:
    offer(monkeypatch, tmp_path / "site", WRAPPERS_GROUP, {"issuing": f"{__name__}:Issuing"})
    write_settings(tmp_path, monkeypatch, "[wrappers.issuing]\n")
    order = Order(csr=make_csr(), names=["www.example.com"])
    monkeypatch.setattr(Issuing, "issued", [])
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        monkeypatch.setattr(Issuing, "order", order)

        def issue() -> None:
            with installation.certificates.issuer("Root") as issuer:
                issuer.sign(order)
            installation.close()

        if in_thread:
            thread = threading.Thread(target=issue, daemon=True)
            thread.start()
            thread.join(30)
            assert not thread.is_alive()
        else:
            issue()
    assert len(Issuing.issued) == 1


def test_what_a_wrapper_refuses_is_refused_to_its_thread_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_csr: MakeCsr
) -> None:
    offer(monkeypatch, tmp_path / "site", WRAPPERS_GROUP, {"choosy": f"{__name__}:Choosy"})
    write_settings(tmp_path, monkeypatch, "[wrappers.choosy]\n")
    request, refused, handed_out = make_csr(), [], set()
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        with installation.certificates.issuer("Root") as issuer:

            def issue(number: int) -> None:
                for name in ("good.example.com", "bad.example.com" if number == 3 else "good.example.com"):
                    try:
                        handed_out.add(issuer.sign(Order(csr=request, names=[name])).serial)
                    except RefusedError as error:
                        refused.append((number, error.problem))
                installation.close()

            threads = [threading.Thread(target=issue, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        found = installation.certificates.list(limit=100)
    assert refused == [(3, "policy: not that name")]
    assert handed_out == {each.serial for each in found if each.profile != "authority"}
    assert len(handed_out) == 15


def test_threads_wait_together_for_a_ledger_that_is_locked(make_csr: MakeCsr, ca_dir: Path) -> None:
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    order = Order(csr=make_csr(), names=["www.example.com"])
    failed: list[float] = []
    with open_installation(patience=1.5) as installation, installation.certificates.issuer("Root") as issuer:

        def issue() -> None:
            try:
                issuer.sign(order)
            except LedgerError:
                failed.append(time.monotonic())
            installation.close()

        issuer.sign(order)
        with closing(sqlite3.connect(ca_dir / "ledger.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            begun = time.monotonic()
            threads = [threading.Thread(target=issue) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            other.execute("ROLLBACK")
    assert len(failed) == 8
    assert max(failed) - begun < 6, "the first thread waits, then all others together"
