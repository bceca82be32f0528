"""The contract of wrappers: ``pip install anchorhold[testing]``, then ``pytest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.testing import WrapperContract

if TYPE_CHECKING:
    from pathlib import Path


class TestAuditLog(WrapperContract):
    """A log in a folder of the test."""

    wrapper = "audit-log"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        return {"file": str(tmp_path / "audit.jsonl")}

    @pytest.fixture
    def slowest(self) -> float:
        return 0.5  # it waits for the disk twice
