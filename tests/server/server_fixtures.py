"""Fixtures of the server; for ``pytest_plugins`` of test modules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from server.serving import House, Server, build_house, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


SLOW_SIGNING = """
import time
from anchorhold.plugin import hookimpl

class SlowSigning:
    anchorhold_api = 1
    def __init__(self, options, context):
        pass
    @hookimpl(wrapper=True)
    def sign(self, request, signer):
        if request.purpose == "ocsp":
            time.sleep(1.5)
        return (yield)
"""


@pytest.fixture
def house(database: str) -> House:
    """An authority with a responder, a CRL and a certificate."""
    return build_house()


@pytest.fixture
def server(house: House, tmp_path: Path) -> Iterator[Server]:
    """A server with one worker."""
    with running(tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def standing_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house on SQLite that many tests share: they ask, and change nothing in it."""
    folder = tmp_path_factory.mktemp("house")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ANCHORHOLD_CA_DIR": str(folder / "ca"),
    }
    return build_house(environment)


@pytest.fixture(scope="session")
def standing_server(standing_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that many tests share."""
    with running(tmp_path_factory.mktemp("server"), environment=standing_house.environment) as started:
        yield started


@pytest.fixture
def slow_signing(tmp_path: Path, ca_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures of responders take a second and a half, as those of a bad HSM do."""
    site = tmp_path / "site"
    (site / "slow_signing-1.dist-info").mkdir(parents=True)
    (site / "slow_signing.py").write_text(SLOW_SIGNING)
    (site / "slow_signing-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: slow-signing\nVersion: 1\n"
    )
    entry_points = "[anchorhold.wrappers]\nslow-signing = slow_signing:SlowSigning\n"
    (site / "slow_signing-1.dist-info" / "entry_points.txt").write_text(entry_points)
    settings = tmp_path / "slow.toml"
    settings.write_text(f'ca_dir = "{ca_dir}"\n[wrappers.slow-signing]\n')
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(settings))
