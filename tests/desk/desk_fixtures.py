"""Fixtures of the desk; for ``pytest_plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from desk.desk_house import DeskProcess, House, build_house, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def desk_house(database: str, tmp_path: Path, ca_dir: Path) -> Iterator[House]:
    """Authorities and a desk that does not run yet."""
    built = build_house(tmp_path, ca_dir)
    yield built
    built.close()


@pytest.fixture
def desk(desk_house: House) -> Iterator[DeskProcess]:
    """The desk, running."""
    with running(desk_house) as started:
        yield started
