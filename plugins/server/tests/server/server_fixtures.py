"""Fixtures of the server; for ``pytest_plugins`` of test modules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from anchorhold.installation import open_installation
from server.serving import House, Server, build_house, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation


@pytest.fixture
def house(installation: Installation) -> House:
    """An authority with a responder, a CRL and a certificate."""
    return build_house(installation)


@pytest.fixture
def server(house: House, tmp_path: Path) -> Iterator[Server]:
    """A server with one worker."""
    with running(tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def standing_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house on SQLite that many tests share: they ask, and change nothing in it."""
    folder = tmp_path_factory.mktemp("house")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ANCHORHOLD_CA_DIR": str(folder / "ca"),
    }
    with open_installation(environment=environment) as installation:
        yield build_house(installation, environment)


@pytest.fixture(scope="session")
def standing_server(standing_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that many tests share."""
    with running(tmp_path_factory.mktemp("server"), environment=standing_house.environment) as started:
        yield started
