"""What no user does while other commands run: hold a ledger open. A test that leaves one open fails."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def held_ledgers(below: str = "") -> list[str]:
    """Files of a ledger that this process has open, which would keep SQLite from tidying up behind the commands.

    An error that is forgotten and not collected yet still holds the statement that failed, and so the connection.
    """
    if found := _held(below):
        gc.collect()
        found = _held(below)
    return found


def _held(below: str) -> list[str]:
    """Names are read and nothing is opened: closing any descriptor of such a file drops the locks on it."""
    held = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208  # of the kernel
        with suppress(FileNotFoundError):
            held.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115  # the same
    return [name for name in held if "ledger.sqlite3" in name and name.startswith(below)]


@pytest.fixture(autouse=True)
def _nothing_left_open(tmp_path: Path) -> Iterator[None]:
    """It would keep a server of a later test from running alone, far from where it was forgotten."""
    yield
    left = held_ledgers(f"{tmp_path}/")
    assert not left, f"the test leaves open {', '.join(sorted(left))}"
