"""Fixtures of pre-signed responses; for ``pytest_plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from presigned.presigned_steps import Site, build_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import MakeCsr


@pytest.fixture
def site(database: str, tmp_path: Path, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An authority with a responder, five certificates, and a folder for responses that the settings name."""
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    yield from build_site(tmp_path, make_csr(), 5)
