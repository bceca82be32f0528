"""The URL of the ledger can be kept out of the settings: in a variable, or in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import SettingsError
from cli.cli_steps import good, refused, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="the settings under test name the database")


@pytest.mark.parametrize("reference", ['{ env = "MY_LEDGER" }', '{ file = "ledger.url" }', '"sqlite:///mine.sqlite3"'])
def test_the_ledger_is_where_the_reference_leads(
    reference: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    path = str(settings_file(folder, f"database = {reference}\n"))
    (folder / "ledger.url").write_text("sqlite:///mine.sqlite3\n")
    monkeypatch.setenv("MY_LEDGER", "sqlite:///mine.sqlite3")
    good(anchorhold("--config", path, "init-ca", "Root", "CN=Root"))
    assert "Root" in good(anchorhold("--config", path, "list-cas")).text
    assert (folder / "mine.sqlite3").exists(), "relative paths start at the folder of the settings"
    good(anchorhold("--config", path, "config", "check"))


def test_a_variable_that_is_not_set_is_one_line_where_the_ledger_is_needed(anchorhold: Command, tmp_path: Path) -> None:
    path = str(settings_file(tmp_path, 'database = { env = "MY_LEDGER" }\n'))
    refused(anchorhold("--config", path, "list-cas"), SettingsError, "the variable MY_LEDGER is not set")
    assert '{ env = "MY_LEDGER" }' in good(anchorhold("--config", path, "config", "show")).text
    assert "--key-type" in good(anchorhold("--config", path, "init-ca", "--help")).text


@pytest.mark.parametrize("value", ['"prompt"', '{ enw = "X" }', "3"])
def test_what_is_no_reference_is_one_line(value: str, anchorhold: Command, tmp_path: Path) -> None:
    path = str(settings_file(tmp_path, f"database = {value}\n"))
    refused(anchorhold("--config", path, "list-cas"), SettingsError, "database")


def test_references_to_files_start_at_the_folder_of_the_settings(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "key").write_text("an encryption key that a person thought of")
    section = '[key_backends.default]\nbackend = "db"\noptions = { encryption_key = { file = "key" } }\n'
    path = str(settings_file(folder, section))
    monkeypatch.chdir("/")
    good(anchorhold("--config", path, "init-ca", "Root", "CN=Root"))
