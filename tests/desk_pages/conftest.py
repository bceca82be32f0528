"""Tests in Chromium take minutes; `nox -s desk` runs them, and nothing else does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave them out of other runs."""
    is_long = collection_path.name.startswith("test_chromium")
    return True if is_long and not os.environ.get("ANCHORHOLD_DESK") else None
