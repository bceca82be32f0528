"""The contract that every key backend of anchorhold keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.testing import BackendContract

if TYPE_CHECKING:
    from collections.abc import Callable


class TestContract(BackendContract):
    """Each rule is a test; see the page `authors/contract` of the guide."""

    backend = "example"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        """Of the alias under test, as in the settings."""
        return {"folder": str(tmp_path / "keys")}

    @pytest.fixture
    def other_options(self, tmp_path: Path) -> dict[str, Any]:
        """Of another alias, which must not see the keys of the first."""
        return {"folder": str(tmp_path / "other")}

    @pytest.fixture
    def unreachable_options(self, tmp_path: Path) -> dict[str, Any]:
        """Of an alias whose place cannot be reached: here a folder that is not a folder."""
        (tmp_path / "file").write_text("")
        return {"folder": str(tmp_path / "file")}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        """By name, as given on the command line."""
        return {"password": "correct horse battery staple"}

    @pytest.fixture
    def stored(self, options: dict[str, Any]) -> Callable[[], int]:
        """Counts the private keys without the backend's help."""
        return lambda: sum(b"PRIVATE KEY" in file.read_bytes() for file in Path(options["folder"]).rglob("*.key"))
