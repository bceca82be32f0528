"""What the settings leave unsaid works with what is installed and configured; what is written is taken again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from anchorhold.plugin import discovery
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import EntryPoints
    from pathlib import Path

    from conftest import Command


@pytest.fixture(name="only")
def _only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets only some backends be installed."""
    found = discovery.entry_points

    def only(*names: str) -> None:
        def some(*, group: str) -> EntryPoints:
            return type(found(group=group))(point for point in found(group=group) if point.name in names)

        monkeypatch.setattr(discovery, "entry_points", some)

    return only


def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))


_NAMED = """
[storages.main]
backend = "local"
options = {{ location = "{0}/main" }}
[storages.ca-dir]
backend = "local"
options = {{ location = "{0}/second" }}
[key_backends.default]
backend = "storages"
options = {{ storage_alias = "main" }}
"""


def test_responder_keys_have_a_place_where_no_storage_is_the_default(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca_dir: Path
) -> None:
    _settings(tmp_path, monkeypatch, _NAMED.format(tmp_path))
    good(anchorhold("config", "check"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("regenerate-ocsp-keys"))
    assert len(list((tmp_path / "main").rglob("*.key"))) == 1
    assert len(list((ca_dir / "ocsp").rglob("*.key"))) == 1
    assert not (tmp_path / "second").exists()


def test_keys_of_authorities_do_not_get_there_by_leaving_the_storage_out(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = _NAMED.format(tmp_path).replace('options = { storage_alias = "main" }', "")
    _settings(tmp_path, monkeypatch, text)
    refused(anchorhold("init-ca", "Root", "CN=Root"), errors.SettingsError, "no storage 'default' is configured")


def test_responder_keys_are_in_the_ledger_where_only_that_backend_is_installed(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only: Callable[..., None]
) -> None:
    only("db")
    _settings(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "db"\n')
    good(anchorhold("config", "check"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("regenerate-ocsp-keys"))
    assert list(tmp_path.rglob("*.key")) == []


@pytest.mark.parametrize("installed", [("storages",), ("db",), ("db", "hsm", "storages"), ("hsm", "db")])
def test_what_config_init_writes_is_taken(
    anchorhold: Command, only: Callable[..., None], installed: tuple[str, ...]
) -> None:
    only(*installed)
    good(anchorhold("config", "init", "config.toml"))
    good(anchorhold("--config", "config.toml", "config", "check"))
    good(anchorhold("--config", "config.toml", "init-ca", "Root", "CN=Root"))


def test_config_init_says_that_nothing_works_without_settings(
    anchorhold: Command, only: Callable[..., None], tmp_path: Path
) -> None:
    only("hsm")
    good(anchorhold("config", "init", "config.toml"))
    assert "# No installed key backend works without settings" in (tmp_path / "config.toml").read_text()


def test_config_init_writes_no_password_of_the_ledger(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANCHORHOLD_DATABASE", "postgresql://ca:hunter2@db.example/ca")
    good(anchorhold("config", "init", "config.toml"))
    assert "hunter2" not in (tmp_path / "config.toml").read_text()
