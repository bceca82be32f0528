"""A PIN that cannot be mistaken is searched for wherever it must not be."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hsm.softhsm import configure, settings

if TYPE_CHECKING:
    from pathlib import Path

    from hsm.softhsm import SoftHsm

CANARY = "Kanarienvogel-7Qx9-73125"
WRONG = "Kanarienvogel-falsch-9981"

_WATCHED = """
import logging, sys

logging.basicConfig(level=logging.DEBUG)
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)) if event in (
    "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.putenv") else None)


from anchorhold.cli import main
code = 0
try:
    main()
except SystemExit as stop:
    code = stop.code
print("processes:", [event for event in seen if "Kanarienvogel" in repr(event)], file=sys.stderr)
sys.exit(code)
"""

LINES = {
    "a CA is made": ("init-ca", "--key-backend=hsm", "Root", "CN=Root"),
    "the label is taken": ("init-ca", "--key-backend=hsm", "--hsm-key-label=taken", "Other", "CN=Other"),
    "the token cannot make such a key": ("init-ca", "--key-backend=hsm", "--key-type=ML-DSA-65", "PQ", "CN=PQ"),
    "the PIN is wrong": ("init-ca", "--key-backend=wrong", "Wrong", "CN=Wrong"),
    "the token is not there": ("init-ca", "--key-backend=away", "Away", "CN=Away"),
    "a PIN is in the URI of a key": (
        *("init-ca", "--adopt", "--csr-out=a.csr", "--key-backend=hsm"),
        *(f"--hsm-key-uri=pkcs11:object=taken;pin-value={CANARY}", "Adopted", "CN=Adopted"),
    ),
    "both PINs": ("init-ca", "--key-backend=both", "Both", "CN=Both"),
    "the settings are shown": ("config", "show"),
    "the backends are shown": ("backends",),
}


@pytest.fixture
def configured(softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """A token with that PIN, and aliases that are wrong in several ways."""
    softhsm.add_token("canary", pin=CANARY)
    softhsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "taken", token="canary", pin=CANARY)
    (tmp_path / "pin").write_text(CANARY + "\n")
    (tmp_path / "so-pin").write_text(WRONG)
    configure(
        tmp_path,
        monkeypatch,
        settings(softhsm, "hsm", "canary", f'user_pin = {{ file = "{tmp_path}/pin" }}'),
        settings(softhsm, "wrong", "canary", f'user_pin = "{WRONG}"'),
        settings(softhsm, "away", "away", f'user_pin = "{CANARY}"'),
        settings(softhsm, "both", "canary", f'user_pin = "{CANARY}"'),
    )
    monkeypatch.setenv("ANCHORHOLD_BOTH_SO_PIN", WRONG)
    return softhsm


@pytest.mark.databases("sqlite", because="the ledger is read as a file")
@pytest.mark.parametrize("what", LINES)
def test_the_pin_is_in_no_output_no_ledger_and_no_argument(
    configured: SoftHsm, database: str, tmp_path: Path, what: str
) -> None:
    command = [sys.executable, "-c", _WATCHED, "--debug", *LINES[what]]
    ended = subprocess.run(command, env=configured.environment, capture_output=True, check=False, timeout=60)
    assert b"processes: []" in ended.stderr, ended.stderr.decode()
    assert b"Kanarienvogel" not in ended.stdout + ended.stderr
    for path in (tmp_path / "ca").rglob("*"):
        assert not path.is_file() or b"Kanarienvogel" not in path.read_bytes(), f"{path} has it"
    expected = {"a CA is made": 0, "the settings are shown": 0, "the backends are shown": 0}
    assert bool(ended.returncode) is (what not in expected), ended.stderr.decode()
