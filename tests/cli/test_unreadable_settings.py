"""Settings that this account may not look for or read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anchorhold import errors
from cli.cli_steps import refused

if TYPE_CHECKING:
    import pytest

    from conftest import Command


def test_a_configuration_folder_that_may_not_be_entered_counts_as_without_settings(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for an account that was given the HOME of root by sudo; root itself may enter everything."""
    forbid_looking(monkeypatch)
    assert anchorhold("list-cas").exit_code == 0


def test_a_file_that_was_named_and_may_not_be_looked_at_is_an_error(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_looking(monkeypatch)
    refused(anchorhold("--config", "secret/config.toml", "list-cas"), errors.SettingsError, "secret/config.toml")


def forbid_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file can be looked at."""

    def is_file(path: Path) -> bool:
        if path.name == "config.toml":
            raise PermissionError(13, "Permission denied")
        return path.exists()

    monkeypatch.setattr(Path, "is_file", is_file)
