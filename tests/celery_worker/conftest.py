"""These tests start Redis, RabbitMQ and workers; `nox -s worker` runs them, and nothing else does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the folder out of other runs."""
    return None if os.environ.get("ANCHORHOLD_WORKER") else (collection_path.name.startswith("test_") or None)
