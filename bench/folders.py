"""The folders the benchmark works in, all below ``.bench/`` in the current folder."""

import shutil
from pathlib import Path

CACHE = Path(".bench")
"""Kept from run to run, since installing the peers takes longer than measuring them."""


def cache_folder() -> Path:
    """Return the cache folder as an absolute path, made if it is not there."""
    cache = CACHE.absolute()
    cache.mkdir(exist_ok=True)
    return cache


def fresh_folder(path: Path) -> Path:
    """Return the folder empty, whatever was there: every run starts from the same state."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
