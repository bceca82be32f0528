"""The contract of key backends: ``pip install anchorhold[testing]``, then ``pytest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.testing import BackendContract

if TYPE_CHECKING:
    from pathlib import Path


class TestMinimal(BackendContract):
    """Keys in a folder of the test."""

    backend = "minimal"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        return {"folder": made(tmp_path / "keys")}

    @pytest.fixture
    def other_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"folder": made(tmp_path / "other")}

    @pytest.fixture
    def unreachable_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"folder": str(tmp_path / "not mounted")}

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"password": "correct horse battery staple"}


def made(folder: Path) -> str:
    """The folder, which must exist."""
    folder.mkdir()
    return str(folder)
