"""docs/profiles.md shows settings that work, and every setting there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold import open_installation
from anchorhold.profiles import BUILT_IN, ProfileSettings

if TYPE_CHECKING:
    from conftest import Command

PAGE = (Path(__file__).parents[1] / "docs" / "profiles.md").read_text()


@pytest.mark.usefixtures("database")
def test_the_settings_on_the_page_are_read(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    config = tmp_path / "config.toml"
    config.write_text(block)
    with open_installation(config) as installation:
        assert set(installation.loaded.settings.profiles) == {"website", "device", "tenant"}
        installation.authorities.create("Root", "CN=Root")
        installation.authorities.create("Tenant", "O=Tenant,CN=Tenant CA", parent="Root", profile="tenant")


def test_the_output_on_the_page_is_that_of_the_command(anchorhold: Command) -> None:
    (commands,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    (output,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    command = commands.splitlines()[-1].removeprefix("anchorhold ")
    assert anchorhold(*command.split()).text == output


def test_every_setting_has_a_row() -> None:
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    keys = {field.alias or name for name, field in ProfileSettings.model_fields.items()}
    assert set(re.findall(r"`(\w+)`", rows)) == keys


def test_every_built_in_profile_is_named() -> None:
    assert all(f"`{name}`" in PAGE for name in BUILT_IN)
