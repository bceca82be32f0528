"""Processes, threads and forked children that issue from one authority at once: nothing lost, no serial twice."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import software_keys
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import BACKENDS_GROUP, hookimpl
from ledger.running import run_at_once
from plugin.fake_backends import MemoryBackend, offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.operations.issuer import Issuer
    from conftest import MakeCsr


EACH = int(os.environ.get("ANCHORHOLD_TEST_EACH", "40"))
"""Certificates that each of the processes issues."""


def _issued(installation: Installation) -> set[str]:
    """Serial numbers of the certificates that are not those of authorities."""
    return {found.serial for found in installation.certificates.list(limit=10_000) if found.profile != "authority"}


def _check_readable(installation: Installation, serial: str) -> None:
    """What is found under a serial number is the certificate that has it, signed by the authority."""
    der = installation.certificates.get(serial).certificate
    assert der is not None
    certificate = x509.load_der_x509_certificate(der)
    assert certificate.serial_number == int(serial, 16)
    certificate.verify_directly_issued_by(installation.authorities.get("Root").certificate)


@pytest.fixture
def csr(make_csr: MakeCsr, tmp_path: Path) -> bytes:
    """A request, also in the file ``example.csr``."""
    request = make_csr()
    tmp_path.joinpath("example.csr").write_bytes(request)
    return request


@pytest.mark.slow(because="eight processes")
@pytest.mark.usefixtures("csr")
def test_eight_processes_lose_no_certificate(installation: Installation, tmp_path: Path) -> None:
    installation.authorities.create("Root", "CN=Root")
    printed = run_at_once(
        8,
        tmp_path,
        f"""
        csr = Path("example.csr").read_bytes()
        with open_installation() as installation, installation.certificates.issuer("Root") as issuer:
            meet("before")
            for one in range({EACH}):
                print(issuer.sign(Order(csr=csr, names=[f"host{{one}}.example"])).serial)
        """,
    )
    serials = "".join(printed).split()
    assert len(serials) == len(set(serials)) == 8 * EACH
    assert _issued(installation) == set(serials)
    for serial in serials:
        _check_readable(installation, serial)
    assert installation.recovery.pending(dt.timedelta()).certificates == ()


_FORK = """
import os, sys
from pathlib import Path
from anchorhold.errors import LedgerError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order

csr = Path("example.csr").read_bytes()
with open_installation() as installation, installation.certificates.issuer("Root") as issuer:
    issuer.sign(Order(csr=csr, names=["before.example"]))
    if "transaction" in sys.argv:
        entered = installation.ledger.transaction()
        entered.__enter__()
        installation.ledger.events.append("begun", "Root")
    child = os.fork()
    if child == 0:
        try:
            if "new" in sys.argv:
                with open_installation() as own, own.certificates.issuer("Root") as other:
                    other.sign_many(Order(csr=csr, names=["child.example"]) for _ in range(20))
            elif "transaction" not in sys.argv:
                for _ in range(20):
                    issuer.sign(Order(csr=csr, names=["child.example"]))
            else:
                installation.authorities.list()
        except LedgerError as refused:
            print(refused, flush=True)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if "transaction" not in sys.argv:
        for _ in range(20):
            issuer.sign(Order(csr=csr, names=["parent.example"]))
    _, status = os.waitpid(child, 0)
    if "transaction" in sys.argv:
        entered.__exit__(None, None, None)
    issuer.sign(Order(csr=csr, names=["after.example"]))
    sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.usefixtures("csr")
@pytest.mark.parametrize(("how", "children"), [("same", 20), ("new", 20), ("transaction", 0)])
def test_a_forked_child_uses_the_ledger_and_the_parent_goes_on(
    installation: Installation, tmp_path: Path, how: str, children: int, database_kind: str
) -> None:
    """On SQLite one that was forked within a transaction says that it cannot: its locks are only its parent's."""
    installation.authorities.create("Root", "CN=Root")
    ended = subprocess.run(
        [sys.executable, "-c", _FORK, how], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    refused = "was in use when this process was forked" in ended.stdout
    assert refused == (how == "transaction" and database_kind == "sqlite"), ended.stdout
    names = [name for found in installation.certificates.list(limit=1000) for name in found.names]
    assert names.count("DNS:child.example") == children
    assert names.count("DNS:parent.example") == children
    assert names.count("DNS:before.example") == names.count("DNS:after.example") == 1
    begun = [event for event in installation.ledger.events.history() if event.kind == "begun"]
    assert len(begun) == (how == "transaction")


class SlowToOpen(MemoryBackend):
    """Like a token: opening takes a while, and every session that was opened must be closed."""

    opened = 0
    closed = 0
    signing: set[str] = set()  # noqa: RUF012

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> Any:
        class Session(software_keys.SoftwareSigner):
            def close(self) -> None:
                SlowToOpen.closed += 1
                super().close()

        SlowToOpen.opened += 1
        time.sleep(0.05)
        return Session(self.keys[request.handle.data["name"]])


def _in_threads(count: int, work: Callable[[], list[str]]) -> list[str]:
    """What the work returned in each of so many threads at once; the first error of any is raised."""
    barrier = threading.Barrier(count)
    results: list[str] = []
    errors: list[BaseException] = []

    def run() -> None:
        barrier.wait()
        try:
            results.extend(work())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return results


@pytest.fixture
def slow(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Installation:
    """An installation whose default backend is slow to open a key."""
    monkeypatch.setattr(MemoryBackend, "keys", {})
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"token": f"{SlowToOpen.__module__}:SlowToOpen"})
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "token"\n')
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
    monkeypatch.setattr(SlowToOpen, "opened", 0)
    monkeypatch.setattr(SlowToOpen, "closed", 0)
    return open_installation()


def _sign(installation: Installation, issuer: Issuer, csr: bytes) -> list[str]:
    try:
        return [issuer.sign(Order(csr=csr, names=["thread.example"])).serial for _ in range(25)]
    finally:
        installation.close()  # this thread's connection


def test_four_threads_with_an_issuer_each_lose_no_certificate(slow: Installation, csr: bytes) -> None:
    def work() -> list[str]:
        with slow.certificates.issuer("Root") as issuer:
            return _sign(slow, issuer, csr)

    serials = _in_threads(4, work)
    assert len(set(serials)) == 100
    assert _issued(slow) == set(serials)
    assert (SlowToOpen.opened, SlowToOpen.closed) == (4, 4)
    slow.close()


def test_four_threads_with_one_issuer_lose_no_certificate_and_open_the_key_once(slow: Installation, csr: bytes) -> None:
    with slow.certificates.issuer("Root") as issuer:
        serials = _in_threads(4, lambda: _sign(slow, issuer, csr))
    assert len(set(serials)) == 100
    assert _issued(slow) == set(serials)
    assert SlowToOpen.opened == SlowToOpen.closed
    assert SlowToOpen.opened == 1
    slow.close()
