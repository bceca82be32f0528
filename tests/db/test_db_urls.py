"""How the settings name a database for keys, and that a URL is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import SettingsError
from cli.cli_steps import good, refused
from db.keeping import KEY_ID, rows, secrets, use_db
from plugin.fake_backends import configured, create_request

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytest_plugins = ["db.database_fixtures"]


@pytest.mark.databases("sqlite", because="no database is asked")
@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///relative-hunter2.sqlite3",
        "sqlite://hunter2",
        "sqlite:////",
        "sqlite:///:memory:",
        "mysql://ca:hunter2@db/keys",
        "postgresql://ca:12/hunter2@db/keys",
        "postgresql://[hunter2",
        "hunter2",
        "",
        "prompt",
    ],
)
@pytest.mark.parametrize("reference", ["literal", "env"])
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, reference: str
) -> None:
    monkeypatch.setenv("DB_URL", url)
    written = f'"{url}"' if reference == "literal" else '{ env = "DB_URL" }'
    use_db(tmp_path, monkeypatch, f"database = {written}")
    outcome = refused(anchorhold("init-ca", "Root", "CN=Root"), SettingsError, "default", "database")
    assert "hunter2" not in outcome.talk
    assert list(tmp_path.rglob("*hunter2*")) == []


@pytest.mark.databases("sqlite", because="no database is asked")
@pytest.mark.parametrize(
    "reference", ['{ env = "NOT_SET" }', '{ file = "/nowhere" }', '"postgresql://ca:hunter2@db:port/keys"']
)
def test_a_url_that_is_not_there_or_not_readable_is_one_line(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    use_db(tmp_path, monkeypatch, f"database = {reference}")
    assert "hunter2" not in refused(anchorhold("init-ca", "Root", "CN=Root"), SettingsError).talk
    good(anchorhold("recover"))


@pytest.mark.parametrize("reference", ["env", "file"])
def test_the_url_can_come_from_a_variable_or_a_file(
    own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    (tmp_path / "url").write_text(own_url + "\n")
    place = {"env": "DB_URL", "file": f"{tmp_path}/url"}[reference]
    use_db(tmp_path, monkeypatch, f'database = {{ {reference} = "{place}" }}')
    configured({"DB_URL": own_url}).get("default").create_key(create_request(key_id=KEY_ID), secrets())
    assert list(rows(own_url)) == [KEY_ID.hex()]
