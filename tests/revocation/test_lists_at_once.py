"""Processes that revoke and make lists at once, and that are killed while they do: nothing lost, numbers rise."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import IssuancePolicy, Order, open_installation
from anchorhold.operations import crl_contents
from anchorhold.x509 import crls as x509_crls
from ledger.running import run_at_once
from revocation.crl_steps import entries, leaf, made_by, serial_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.ledger.records import CrlRecord
    from conftest import MakeCsr

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each has its own locks")
WRITERS, EACH = 3, 12
SHARDS = IssuancePolicy(crl_urls=("http://crl.example.com/{shard}.crl",), crl_shards=2)


def _sign(installation: Installation, csr: bytes, count: int) -> list[str]:
    """The serial numbers of so many new certificates."""
    with installation.certificates.issuer("Root") as issuer:
        return [made.serial for made in issuer.sign_many([Order(csr=csr, names=["host.example"])] * count)]


def test_with_several_writers_numbers_rise_and_no_list_knows_less_than_one_before_it(
    installation: Installation, make_csr: MakeCsr, tmp_path: Path
) -> None:
    installation.authorities.create("Root", "CN=Root", issuing=SHARDS)
    serials = _sign(installation, make_csr(), WRITERS * EACH)
    (tmp_path / "serials.json").write_text(json.dumps(serials))
    printed = run_at_once(
        WRITERS,
        tmp_path,
        f"""
        import json
        from cryptography import x509
        mine = json.loads(Path("serials.json").read_text())[int(number)::{WRITERS}]
        made = []
        with open_installation() as installation:
            installation.crls.latest("Root")
            meet("before")
            for at, serial in enumerate(mine):
                installation.revocations.revoke(serial, "superseded")
                if at % 3 == 0:
                    for crl in installation.crls.generate("Root"):
                        listed = [f"{{entry.serial_number:x}}" for entry in x509.load_der_x509_crl(crl.der)]
                        made.append([crl.shard, crl.number, listed, mine[:at + 1]])
        print(json.dumps(made))
        """,
    )
    made = [crl for output in printed for crl in json.loads(output)]
    assert len({number for _, number, _, _ in made}) == len(made) == WRITERS * EACH // 3 * 3
    for kind in (None, 0, 1):
        knows: set[str] = set()
        for shard, _, listed, revoked_before in sorted(made, key=lambda crl: int(crl[1])):
            if shard == kind:
                assert knows <= set(listed)
                knows = set(listed)
                assert {serial for serial in revoked_before if kind in (None, int(serial, 16) % 2)} <= knows
    full, *partial = made_by(installation, "Root")
    assert set(entries(full)) == set(serials)
    assert set().union(*map(entries, partial)) == set(serials)


_LOOP = """
import json, sys
from pathlib import Path
from anchorhold.installation import open_installation

with open_installation() as installation:
    for serial in json.loads(Path(sys.argv[1]).read_text()):
        installation.revocations.revoke(serial, "keyCompromise")
        print("revoked", serial, flush=True)
        for crl in installation.crls.generate("Root"):
            print("made", crl.number, flush=True)
"""


def _killed(serials: list[str], folder: Path, lines: int, delay: float) -> Iterator[tuple[str, str]]:
    """What the loop said that it had done before it was killed, a moment after so many lines."""
    (folder / "serials.json").write_text(json.dumps(serials))
    process = subprocess.Popen(
        [sys.executable, "-c", _LOOP, "serials.json"], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, "it was done before it was killed"
    for line in (*said, *rest.splitlines(keepends=True)):
        if line.endswith("\n"):
            kind, _, value = line.strip().partition(" ")
            yield kind, value


def test_a_process_that_is_killed_loses_no_revocation_and_numbers_rise(
    installation: Installation, make_csr: MakeCsr, tmp_path: Path
) -> None:
    installation.authorities.create("Root", "CN=Root", issuing=SHARDS)
    csr, revoked, number = make_csr(), set[str](), 0
    for lines, delay in ((3, 0.0), (4, 0.003), (2, 0.007)):
        said = list(_killed(_sign(installation, csr, 300), tmp_path, lines, delay))
        revoked |= {value for kind, value in said if kind == "revoked"}
        numbers = [int(value) for kind, value in said if kind == "made"]
        with open_installation() as again:
            before = again.crls.latest("Root")
            assert before is not None
            assert x509.load_der_x509_crl(before.der).is_signature_valid(
                again.authorities.get("Root").certificate.public_key()  # type: ignore[arg-type]
            )
            made = list(again.crls.generate("Root"))
            numbers += [crl.number for crl in made]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > number
        number = numbers[-1]
        assert revoked <= set(entries(x509.load_der_x509_crl(made[0].der)))


def test_a_list_that_is_overtaken_does_not_replace_a_newer_one(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process has its number and is slow to sign; others make two lists meanwhile, from entries that are new."""
    installation.authorities.create("Root", "CN=Root")
    csr = make_csr()
    serials = [serial_of(leaf(installation, "Root", csr)) for _ in range(3)]
    installation.revocations.revoke(serials[0], "certificateHold")
    made_by(installation, "Root")
    waiting, going_on = threading.Event(), threading.Event()
    real, slow = x509_crls.tbs_cert_list, threading.current_thread()

    def delayed(*arguments: object) -> bytes:
        if threading.current_thread() is not slow:
            waiting.set()
            assert going_on.wait(30)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(crl_contents, "tbs_cert_list", delayed)
    found: list[CrlRecord] = []

    def make() -> None:
        found.extend(installation.crls.generate("Root"))
        installation.close()

    thread = threading.Thread(target=make)
    thread.start()
    assert waiting.wait(30)
    installation.revocations.release(serials[0])
    for serial in serials[1:]:
        installation.revocations.revoke(serial)
        made_by(installation, "Root")
    going_on.set()
    thread.join(30)
    assert [crl.number for crl in found] == [2]
    last = installation.crls.latest("Root")
    assert last is not None
    assert last.number == 4
    assert set(entries(x509.load_der_x509_crl(last.der))) == set(serials[1:])
    assert set(entries(made_by(installation, "Root")[0])) == set(serials[1:])


def test_parts_that_others_dropped_meanwhile_are_read_anew(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between taking a number and reading the entries of the list before it, others may have dropped that list."""
    installation.authorities.create("Root", "CN=Root")
    csr = make_csr()
    serials = [serial_of(leaf(installation, "Root", csr)) for _ in range(2)]
    installation.revocations.revoke(serials[0])
    made_by(installation, "Root")
    real = installation.ledger.crls.entries

    def overtaken(authority_id: int, parts: tuple[int, ...]) -> list[bytes] | None:
        with installation.ledger.transaction():
            installation.ledger.database.execute_sql("DELETE FROM anchorhold_crl_part")
        return real(authority_id, parts)

    installation.revocations.revoke(serials[1])
    monkeypatch.setattr(installation.ledger.crls, "entries", overtaken)
    (made,) = list(installation.crls.generate("Root"))
    assert set(entries(x509.load_der_x509_crl(made.der))) == set(serials)
