"""Settings of profiles that are misspelt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import open_installation
from anchorhold.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ('key_usages = ["digitalSignature"]', "'key_usage'"),
        ('extensions = [{ oid = "1.2.3.4", txt = "a" }]', "'text'"),
        ('policies = [{ oid = "1.2.3.4", note = "a" }]', "'notice'"),
        ("copy = { subjects = true }", "'subject'"),
        ('copied = { alt = ["DNS"] }', "'copy'"),
    ],
)
def test_a_misspelt_setting_is_told_the_nearest_one(tmp_path: Path, lines: str, hint: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[profiles.mine]\n{lines}\n")
    with pytest.raises(SettingsError, match=f"did you mean {hint}"):
        open_installation(config).close()
