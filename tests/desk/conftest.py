"""What takes minutes runs in `nox -s desk`, and nowhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave it out of other runs."""
    is_long = collection_path.name == "test_schemathesis.py"
    return True if is_long and not os.environ.get("ANCHORHOLD_DESK") else None
