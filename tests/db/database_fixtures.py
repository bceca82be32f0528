"""Databases of their own for keys, as fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from databases import SERVER, new_database
from db.keeping import use_db
from plugin.fake_backends import configured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.plugin.key_backend import KeyBackend


@pytest.fixture
def own_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of another database than the ledger's, of the same kind; it is empty, or not there yet."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path}/keys/keys.sqlite3"
    else:
        with new_database(SERVER or request.getfixturevalue("cluster").url) as url:
            yield url


@pytest.fixture
def own(own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyBackend:
    """The default key backend, with its keys in a database of its own."""
    use_db(tmp_path, monkeypatch, f'database = "{own_url}"')
    return configured().get("default")
