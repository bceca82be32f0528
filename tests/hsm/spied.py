"""SoftHSM with a spy before it, which is a module too: logins are counted, whichever process makes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from programs import program

if TYPE_CHECKING:
    from hsm.softhsm import SoftHsm


def find_spy() -> str:
    """OpenSC's PKCS#11 spy; without it the test fails with what to install."""
    program("pkcs11-tool", "opensc")
    found = [
        path for folder in ("usr/lib/*", "usr/lib64", "usr/lib") for path in Path("/").glob(f"{folder}/pkcs11-spy.so")
    ]
    assert found, "this test needs pkcs11-spy.so: as root on Debian, apt-get install opensc"
    return str(found[0])


@dataclass(frozen=True)
class Spy:
    """Stands before the module.

    Attributes:
        library: The module to name in settings.
        softhsm: What it leads to.
        seen: What it has seen.
    """

    library: str
    softhsm: SoftHsm
    seen: Path

    def logins(self) -> int:
        """How often a PIN was shown to the token since the last time."""
        text = self.seen.read_text(errors="replace") if self.seen.exists() else ""
        self.seen.unlink(missing_ok=True)
        return len(re.findall(r"^\d+: C_Login$", text, re.MULTILINE))


@pytest.fixture
def spy(softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spy:
    """The spy; its variables are set for this process and its children."""
    seen = tmp_path / "spied.log"
    monkeypatch.setenv("PKCS11SPY", softhsm.library)
    monkeypatch.setenv("PKCS11SPY_OUTPUT", str(seen))
    return Spy(find_spy(), softhsm, seen)
