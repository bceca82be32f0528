"""Three places for keys at once: files, a token of SoftHSM, rows of a database; for authorities and for responders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hsm.softhsm import USER_PIN

if TYPE_CHECKING:
    from pathlib import Path

    from hsm.softhsm import SoftHsm

PLACES: Final = ("files", "token", "rows")
PAIRS: Final = [(one, other) for one in PLACES for other in PLACES]


@pytest.fixture
def places(softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """Settings with an alias for each place, in both roles, and a second token."""
    softhsm.add_token("two")
    tokens = [
        f'[{section}.{alias}]\nbackend = "hsm"\n[{section}.{alias}.options]\nlibrary_path = "{softhsm.library}"\n'
        f'token = "{token}"\nuser_pin = "{USER_PIN}"\n'
        for section in ("key_backends", "ocsp_key_backends")
        for alias, token in (("token", "one"), ("other", "two"))
    ]
    others = [
        f'[{section}.{alias}]\nbackend = "{kind}"\n'
        for section in ("key_backends", "ocsp_key_backends")
        for alias, kind in (("files", "storages"), ("rows", "db"))
    ]
    (tmp_path / "config.toml").write_text("".join([*tokens, *others]))
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    return softhsm
