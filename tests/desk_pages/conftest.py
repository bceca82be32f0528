"""Tests in Chromium take minutes; `nox -s desk` runs them, and with `-- pictures` makes those of the guide."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave them out of other runs."""
    name = collection_path.name
    wanted = "ANCHORHOLD_DESK_PICTURES" if name == "test_chromium_pictures.py" else "ANCHORHOLD_DESK"
    return True if name.startswith("test_chromium") and not os.environ.get(wanted) else None
