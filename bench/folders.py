"""The folders the benchmark works in, all below ``.bench/`` in the repository."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
"""Where the benchmark is run from, and where its child processes find its modules."""
CACHE = REPOSITORY / ".bench"
"""Kept from run to run, since installing the peers takes longer than measuring them."""


def cache_folder() -> Path:
    """Return the cache folder, made if it is not there."""
    CACHE.mkdir(exist_ok=True)
    return CACHE


def fresh_folder(path: Path) -> Path:
    """Return the folder empty, whatever was there: every run starts from the same state."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
