"""Fixtures of installations in which several commands meet; for ``pytest_plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from databases import new_database
from interleaving.world import World, Zygote, build, copied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgresql_cluster import Cluster


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Of all commands of this session."""
    started = Zygote()
    yield started
    started.close()


@pytest.fixture(scope="session")
def original(
    database_kind: str, zygote: Zygote, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    """The installation of which all are copies."""
    folder = tmp_path_factory.mktemp("company") / "original"
    if database_kind == "sqlite":
        yield build(folder, f"sqlite:///{folder}/data/ledger.sqlite3", zygote)
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        with new_database(cluster.url) as url:
            yield build(folder, f"{url}&options=-c%20lock_timeout%3D1000", zygote)


@pytest.fixture
def world(original: World, tmp_path: Path) -> Iterator[World]:
    """A copy for one test."""
    with copied(original, tmp_path / "world") as copy:
        yield copy
