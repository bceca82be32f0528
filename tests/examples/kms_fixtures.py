"""Fixtures: KMS by moto's server, and by a stand-in; for ``pytest_plugins`` of test modules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from examples.kms_places import CREDENTIALS, KmsBench
from examples.kms_stand_in import kms_stand_in
from storages.servers import moto

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.kms_stand_in import KmsStandIn


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of moto's server."""
    with moto(tmp_path_factory.mktemp("kms")) as url:
        yield url


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials but these are found, and no region."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def in_moto(moto_server: str, credentials: None) -> KmsBench:
    """The backend with moto."""
    return KmsBench({"region": "eu-central-1", "endpoint_url": moto_server})


@pytest.fixture
def stand_in(credentials: None) -> Iterator[KmsStandIn]:
    """The stand-in."""
    with kms_stand_in() as kms:
        yield kms


@pytest.fixture
def in_stand_in(stand_in: KmsStandIn) -> KmsBench:
    """The backend with the stand-in; nothing is tried twice."""
    return KmsBench({"region": "eu-central-1", "endpoint_url": stand_in.url, "max_attempts": 1})
