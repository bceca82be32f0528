"""Profiles in the settings that could only make wrong certificates are refused when the settings are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import open_installation
from anchorhold.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

WRONG = {
    "keyCertSign without being an authority (RFC 5280, section 4.2.1.9)": 'key_usage = ["keyCertSign"]',
    "an authority that may not sign (section 4.2.1.3)": 'ca = true\nkey_usage = ["digitalSignature"]',
    "a path length without being an authority (section 4.2.1.9)": "path_length = 1",
    "no key usage at all (section 4.2.1.3)": "key_usage = []",
    "a purpose that is none": 'extended_key_usage = ["server"]',
    "a usage that is none": 'key_usage = ["sign"]',
    "no days": "days = 0",
}


@pytest.mark.parametrize("lines", WRONG.values(), ids=WRONG)
def test_a_profile_that_makes_wrong_certificates_is_refused_with_its_name(tmp_path: Path, lines: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[profiles.mine]\n{lines}\n")
    with pytest.raises(SettingsError, match=r"profiles\.mine"):
        open_installation(config).close()
