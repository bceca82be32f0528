"""The file that ``config init`` writes goes on following the folder of the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.cli_steps import good

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="the file of the ledger moves with the settings")


@pytest.mark.parametrize("way", ["variable", "setting"])
def test_moving_ca_dir_moves_ledger_and_keys(
    way: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ca_dir: Path
) -> None:
    good(anchorhold("config", "init", "config.toml"))
    moved = tmp_path / "moved"
    if way == "variable":
        monkeypatch.setenv("ANCHORHOLD_CA_DIR", str(moved))
    else:
        monkeypatch.delenv("ANCHORHOLD_CA_DIR")
        file = tmp_path / "config.toml"
        file.write_text(f'ca_dir = "{moved}"\n{file.read_text()}')
    good(anchorhold("--config", "config.toml", "init-ca", "Root", "CN=Root"))
    assert (moved / "ledger.sqlite3").is_file()
    assert len(list(moved.rglob("*.key"))) == 1
    assert not ca_dir.exists()
