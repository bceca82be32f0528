"""The wrapper ``audit-log``: what is in the log, what happens when it cannot be written, and what `verify` finds."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography import x509

from anchorhold.algorithms import key_spec
from anchorhold.errors import BackendFailedError, RefusedError
from anchorhold.plugin import WRAPPERS_GROUP, CertificateAuthority, SignRequest, WrapperContext
from anchorhold.software_keys import SoftwareSigner, generate
from anchorhold_audit_log import AuditLog
from anchorhold_audit_log.__main__ import main
from anchorhold_audit_log.log_file import LogFile
from cli.cli_steps import good, refused
from examples.audit_log_scripts import APPEND, FILL, KILLER
from plugin.fake_backends import offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="the log is a file beside the ledger"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The log."""
    return tmp_path / "audit.jsonl"


@pytest.fixture(autouse=True)
def site(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log is installed and enabled, and inside of it what kills."""
    offers = {"audit-log": "anchorhold_audit_log:AuditLog"}
    offer(monkeypatch, tmp_path / "site", WRAPPERS_GROUP, offers, distribution="anchorhold-audit-log", version="0.1.0")
    offer(
        monkeypatch,
        tmp_path / "killers",
        WRAPPERS_GROUP,
        {"killer": "killer_of_tests:Killer"},
        distribution="killers",
        modules={"killer_of_tests": KILLER},
    )
    enable(tmp_path, monkeypatch, path)
    return tmp_path / "site"


def enable(folder: Path, monkeypatch: pytest.MonkeyPatch, path: Path, more: str = "") -> None:
    """Enable the log in a file."""
    settings_file(
        folder, monkeypatch, f"[wrappers.audit-log.options]\nfile = {json.dumps(str(path))}\n{more}[wrappers.killer]\n"
    )


def child(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start an interpreter that finds what this one finds."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)}
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def entries(path: Path) -> list[dict[str, Any]]:
    """What is in the log."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def filled(path: Path, signatures: int = 3) -> list[bytes]:
    """A log with signatures in it; its lines."""
    log = LogFile(path, 1)
    for number in range(signatures):
        log.append("intent", {"id": str(number), "purpose": "crl", "authority": "CN=Root"})
        log.append("signed", {"id": str(number)})
    return path.read_bytes().splitlines(keepends=True)


def verified(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """How `verify` ends, and what it says."""
    capsys.readouterr()
    code = main(["verify", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def sign(anchorhold: Command, csr: Path, name: str = "www.example.com") -> Any:
    """Order a certificate."""
    return anchorhold("sign-cert", "--ca=Root", f"--csr={csr}", f"--alt={name}", "--out=signed.pem")


def test_every_signature_is_in_the_log_with_who_wanted_what(
    anchorhold: Command, csr_file: Path, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(sign(anchorhold, csr_file))
    good(anchorhold("generate-crls", "Root"))
    found = entries(path)
    intents = {entry["id"]: entry for entry in found if entry["event"] == "intent"}
    results = {entry["id"]: entry for entry in found if entry["event"] == "signed"}
    assert found[0]["event"] == "begin"
    assert list(intents) == list(results)
    assert {entry["purpose"] for entry in intents.values()} == {"probe", "certificate", "crl"}
    certificate = x509.load_pem_x509_certificate((tmp_path / "signed.pem").read_bytes())
    (intent,) = [entry for entry in intents.values() if entry["serial"] == f"{certificate.serial_number:x}"]
    assert intent["digest"] == hashlib.sha256(certificate.tbs_certificate_bytes).hexdigest()
    assert results[intent["id"]]["signature"] == hashlib.sha256(certificate.signature).hexdigest()
    assert intent["authority"] == "CN=Root"
    assert intent["actor"]["kind"] == "user"
    history = json.loads(good(anchorhold("history", "--output-format=json")).data)
    assert intent["correlation"] in json.dumps(history)
    assert path.stat().st_mode & 0o777 == 0o600
    assert verified(capsys, path)[0] == 0


@pytest.mark.parametrize(
    ("place", "reason"),
    [("/dev/full", "No space left on device"), ("gone/audit.jsonl", "No such file"), ("folder", "Is a directory")],
)
def test_without_the_log_nothing_is_signed(
    place: str,
    reason: str,
    anchorhold: Command,
    csr_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    before = anchorhold("list-certs").text
    (tmp_path / "folder").mkdir()
    enable(tmp_path, monkeypatch, tmp_path / place)
    refused(sign(anchorhold, csr_file), RefusedError, reason)
    assert not (tmp_path / "signed.pem").exists()
    assert anchorhold("list-certs").text == before


def test_a_disk_that_is_full_leaves_no_part_of_a_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = filled(path)
    out, _ = child("-c", FILL, path).communicate(timeout=60)
    assert out == "File too large\n"
    assert path.read_bytes() == b"".join(lines)
    assert verified(capsys, path)[0] == 0


def test_a_process_that_is_killed_while_the_key_signs_leaves_an_intent(
    anchorhold: Command, csr_file: Path, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    words = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=killed.example.com", "--out=killed.pem")
    killed = child("-m", "anchorhold", *words)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed.pem").exists()
    last = entries(path)[-1]
    assert (last["event"], last["purpose"]) == ("intent", "certificate")
    good(sign(anchorhold, csr_file))
    code, out, _ = verified(capsys, path)
    assert code == 0
    assert f"entry {last['number']}: certificate of CN=Root: how it ended is not known" in out


def test_a_line_that_was_not_finished_is_vouched_for_by_the_next(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = filled(path)
    path.write_bytes(b"".join(lines)[:-20])
    code, _, err = verified(capsys, path)
    assert code == 1
    assert err == f"{path}: line {len(lines)}: is cut off, or is not an entry, and no entry vouches for it\n"
    filled(path, 1)
    code, out, _ = verified(capsys, path)
    assert code == 0
    assert f"{path}: line {len(lines)} was not finished: a process was ended, or the disk was full\n" in out
    assert f"{len(lines) + 3} entries, unbroken" in out


@pytest.mark.parametrize("cut", [1, 30])
def test_a_log_whose_first_line_was_not_finished_goes_on(
    cut: int, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, *_) = filled(path, 1)
    path.write_bytes(first[:-cut])
    filled(path, 1)
    assert verified(capsys, path)[0] == 0


TAMPERING: Final[dict[str, Callable[[list[bytes]], list[bytes]]]] = {
    "a changed line": lambda lines: [*lines[:3], lines[3].replace(b"CN=Root", b"CN=Ruth"), *lines[4:]],
    "a line removed": lambda lines: [*lines[:3], *lines[4:]],
    "two lines swapped": lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
    "a line repeated": lambda lines: [*lines[:4], *lines[3:]],
    "the beginning removed": lambda lines: lines[2:],
    "a line that is not an entry": lambda lines: [*lines[:3], b"nothing\n", *lines[3:]],
    "a line in parts": lambda lines: [*lines[:3], lines[3][:40] + b"\n", *lines[4:]],
}


@pytest.mark.parametrize("how", TAMPERING)
def test_verify_says_where_the_chain_breaks(how: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(b"".join(TAMPERING[how](filled(path))))
    code, out, err = verified(capsys, path)
    assert code == 1, out
    assert out == ""
    assert err.startswith(f"{path}: line ")
    assert err.count("\n") == 1


def test_lines_that_are_missing_at_the_end_are_found_by_a_head_that_was_noted(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = filled(path)
    head = verified(capsys, path)[1].split()[-1]
    assert head == hashlib.sha256(lines[-1].rstrip(b"\n")).hexdigest()
    filled(path, 1)
    assert verified(capsys, path, "--holds", head)[0] == 0
    path.write_bytes(b"".join(lines[:-2]))
    assert verified(capsys, path)[0] == 0
    code, _, err = verified(capsys, path, "--holds", head)
    assert code == 1
    assert "entries are missing" in err


def test_processes_append_one_after_the_other(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    running = [child("-c", APPEND, path, "40", str(number)) for number in range(4)]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in running] == [("", 0)] * 4
    code, out, err = verified(capsys, path)
    assert code == 0, err
    assert out.startswith(f"{1 + 4 * 2 * 40} entries, unbroken")


def request_of(wrapper: AuditLog) -> Any:
    """A signature that is asked for, up to the point where the key signs."""
    signer = SoftwareSigner(generate(key_spec("EC")))
    authority = CertificateAuthority(name="Root", subject="CN=Root")
    request = SignRequest(message=b"m", algorithm=key_spec("EC").algorithm(), purpose="crl", ca=authority)
    waiting = wrapper.sign(request, signer)
    next(waiting)
    return waiting


def wrapper_in(path: Path, **options: Any) -> AuditLog:
    return AuditLog(AuditLog.Options(file=path, **options), WrapperContext(alias="default", role="ca"))


def test_a_log_that_becomes_shorter_while_it_is_used_stops_signatures(path: Path) -> None:
    wrapper = wrapper_in(path)
    waiting = request_of(wrapper)
    with pytest.raises(StopIteration):
        waiting.send(b"signature")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(RefusedError, match="shorter than it was"):
        request_of(wrapper)


def test_a_log_that_ends_in_something_else_stops_signatures(path: Path) -> None:
    path.write_text("my notes\n")
    with pytest.raises(RefusedError, match="its last line is not an entry"):
        request_of(wrapper_in(path))
    assert path.read_text() == "my notes\n"


def test_a_log_that_is_locked_for_too_long_stops_the_signature(path: Path) -> None:
    filled(path)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        began = time.monotonic()
        with pytest.raises(RefusedError, match="another process keeps it locked"):
            request_of(wrapper_in(path, wait=0.2))
        assert 0.2 <= time.monotonic() - began < 10
    request_of(wrapper_in(path, wait=0.2))


def test_a_signature_whose_result_cannot_be_written_is_withheld(path: Path) -> None:
    waiting = request_of(wrapper_in(path))
    path.unlink()
    path.mkdir()
    with pytest.raises(RefusedError, match="the signature is withheld"):
        waiting.send(b"signature")


def test_an_error_of_the_key_is_in_the_log_and_comes_out_even_if_it_cannot_be(path: Path) -> None:
    error = BackendFailedError("key: it is away", hint="wait")
    with pytest.raises(BackendFailedError) as caught:
        request_of(wrapper_in(path)).throw(error)
    assert caught.value is error
    assert entries(path)[-1]["event"] == "failed"
    waiting = request_of(wrapper_in(path))
    path.unlink()
    path.mkdir()
    with pytest.raises(BackendFailedError) as caught:
        waiting.throw(error)
    assert caught.value is error


def test_a_rotated_log_goes_on_in_the_new_file(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrapper, archive = wrapper_in(path), tmp_path / "audit-1.jsonl"
    waiting = request_of(wrapper)
    assert main(["rotate", str(path), str(archive)]) == 0
    with pytest.raises(StopIteration):
        waiting.send(b"signature")
    assert [entry["event"] for entry in entries(path)] == ["begin", "signed"]
    assert entries(path)[0]["continues"] == "audit-1.jsonl"
    assert verified(capsys, archive, path)[:2] == (0, f"4 entries, unbroken; head {head_of(path)}\n")
    assert verified(capsys, path)[0] == 0
    assert verified(capsys, path, archive)[0] == 1
    assert main(["rotate", str(path), str(archive)]) == 2
    assert "File exists" in capsys.readouterr().err
    assert [entry["event"] for entry in entries(path)] == ["begin", "signed"]
    assert sorted(found.name for found in tmp_path.glob("*audit*")) == ["audit-1.jsonl", "audit.jsonl"]


def test_a_log_that_was_moved_by_others_does_not_follow_what_was_moved(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(path)
    path.rename(tmp_path / "moved.jsonl")
    filled(path)
    assert verified(capsys, path)[0] == 0
    code, _, err = verified(capsys, tmp_path / "moved.jsonl", path)
    assert code == 1
    assert f"{path}: line 1: " in err


def test_a_log_that_is_not_there_is_not_made_by_verify(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = verified(capsys, path)
    assert code == 2
    assert err == f"{path}: No such file or directory\n"
    assert main(["rotate", str(path), str(path) + ".old"]) == 2
    assert not path.exists()


def test_the_module_runs_as_a_command(path: Path) -> None:
    filled(path)
    process = child("-m", "anchorhold_audit_log", "verify", path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"7 entries, unbroken; head {head_of(path)}\n"), err


def head_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().splitlines()[-1]).hexdigest()
