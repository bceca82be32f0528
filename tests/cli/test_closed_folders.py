"""Folders that this account may not enter: one sentence, and nothing is made.

Root may enter everything, so as root the command runs without that right.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.databases(because="it is about folders")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that may not be entered."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    yield folder
    folder.chmod(0o700)


def run(*arguments: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Exit code and talk of a command."""
    limits = [program("setpriv", "util-linux"), "--bounding-set=-dac_override,-dac_read_search", "--"]
    command = [*(limits if os.geteuid() == 0 else ()), sys.executable, "-m", "anchorhold", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANCHORHOLD_")}
    done = subprocess.run(
        command, cwd=folder, env={**environment, **variables}, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["init-ca Root CN=Root", "list-cas", "config check", "backends", "maintain"])
def test_a_ledger_that_may_not_be_looked_for(command: str, closed: Path, tmp_path: Path) -> None:
    code, talk = run(*command.split(), folder=tmp_path, ANCHORHOLD_CA_DIR=str(closed / "ca"))
    first = errors.BackendFailedError if command == "config check" else errors.LedgerError  # it says all, keys first
    assert code == first.exit_code
    assert f"ledger {closed}/ca/ledger.sqlite3: cannot be " in talk
    assert "(Permission denied)" in talk


def test_settings_that_may_not_be_looked_for(closed: Path, tmp_path: Path) -> None:
    code, talk = run("list-cas", folder=tmp_path, ANCHORHOLD_CONFIG=str(closed / "config.toml"))
    assert code == errors.SettingsError.exit_code
    assert "named by ANCHORHOLD_CONFIG, does not exist or cannot be accessed" in talk


@pytest.mark.parametrize(
    "command", ["init-ca Root CN=Root --out=closed/root.pem", "new-backend acme --folder=closed/acme"]
)
def test_results_that_could_not_be_written(command: str, closed: Path, tmp_path: Path) -> None:
    code, talk = run(*command.split(), folder=tmp_path, ANCHORHOLD_CA_DIR=str(tmp_path / "ca"))
    assert code == errors.OutputError.exit_code
    assert "cannot be written" in talk
    assert list(tmp_path.iterdir()) == [closed]


def test_quickstart_in_a_folder_where_nothing_can_be_written_makes_no_authority(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    code, talk = run("quickstart", "localhost", folder=folder, ANCHORHOLD_CA_DIR=str(tmp_path / "ca"))
    assert code == errors.OutputError.exit_code
    assert "localhost.key: cannot be written, because its folder is not writable" in talk
    assert list(tmp_path.iterdir()) == [folder]
