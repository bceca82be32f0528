"""Keys without a record, records without a key, and what is said of a key's origin."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors
from anchorhold.installation import open_installation
from anchorhold_db.schema import key_model
from cli.cli_steps import good
from plugin.fake_backends import settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

STRAY = "5a" * 20


@pytest.fixture
def places(tmp_path: Path, ca_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files under two aliases of one storage, and rows of the ledger."""
    settings_file(
        tmp_path,
        monkeypatch,
        f'[storages.default]\noptions = {{ location = "{ca_dir}" }}\n'
        '[key_backends.default]\nbackend = "storages"\n'
        '[key_backends.other]\nbackend = "storages"\noptions = { path = "other" }\n'
        '[key_backends.rows]\nbackend = "db"\n',
    )
    return ca_dir


def test_keys_and_records_that_match_are_no_orphans(places: Path, anchorhold: Command) -> None:
    for name, alias in (("Root", "default"), ("Other", "other"), ("Rows", "rows")):
        good(anchorhold("init-ca", name, f"CN={name}", f"--key-backend={alias}"))
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    assert "each record its key" in good(anchorhold("recover", "--orphans")).talk


def test_a_key_that_no_record_names_is_shown_once(places: Path, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    (key,) = places.rglob("ca/*.key")
    (key.parent / f"{STRAY}.key").write_bytes(key.read_bytes())
    (key.parent / "notes.key").write_bytes(b"of somebody else")
    shown = anchorhold("recover", "--orphans")
    assert shown.exit_code == errors.RecoveryNeededError.exit_code
    assert "keys without a record: 1; records without a key: 0" in shown.talk
    assert shown.talk.count(STRAY + ".key") == 1
    assert f"key id {STRAY}" in shown.talk
    assert (key.parent / f"{STRAY}.key").exists()


def test_a_row_that_no_record_names_is_shown(places: Path, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Rows", "CN=Rows", "--key-backend=rows"))
    with open_installation() as installation:
        record = installation.authorities.get("Rows").record
        with installation.ledger.transaction():
            model = key_model(installation.ledger.database)
            row = model.get(model.key_id == record.key_id.hex())
            model.create(key_id=STRAY, public_key=row.public_key, content=row.content, created_at=row.created_at)
    shown = anchorhold("recover", "--orphans")
    assert shown.exit_code == errors.RecoveryNeededError.exit_code
    assert f"No record names a key in key_backends.rows: the row {STRAY} of the database" in shown.talk


def test_a_record_whose_key_is_gone_is_shown(places: Path, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--password=secret"))
    good(anchorhold("init-ca", "Kept", "CN=Kept", "--password=secret"))
    with open_installation() as installation:
        key_id = installation.authorities.get("Root").record.key_id.hex()
    next(places.rglob(f"{key_id}.key")).unlink()
    shown = anchorhold("recover", "--orphans")
    assert shown.exit_code == errors.RecoveryNeededError.exit_code
    assert "keys without a record: 0; records without a key: 1" in shown.talk
    assert "The key of authority Root is not in 'default'" in shown.talk
    assert "Kept" not in shown.talk


def test_a_place_that_cannot_be_listed_is_said_and_the_others_are_looked_at(
    places: Path, anchorhold: Command, tmp_path: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    path = tmp_path / "config.toml"
    path.write_text(path.read_text() + '[key_backends.lost]\nbackend = "nowhere"\n')
    outcome = anchorhold("recover", "--orphans")
    assert outcome.exit_code == errors.UnknownBackendError.exit_code
    shown = outcome.talk
    assert "Not checked: key_backends.lost (key_backends.lost.backend: the key backend type 'nowhere'" in shown


def test_a_database_that_is_not_mounted_is_neither_made_nor_taken_for_an_empty_one(
    places: Path, anchorhold: Command, tmp_path: Path
) -> None:
    mounted, database = tmp_path / "mounted", tmp_path / "mounted" / "keys.sqlite3"
    path = tmp_path / "config.toml"
    path.write_text(
        path.read_text() + '[key_backends.far]\nbackend = "db"\n'
        f'[key_backends.far.options]\ndatabase = "sqlite:///{database}"\n'
    )
    good(anchorhold("init-ca", "Far", "CN=Far", "--key-backend=far"))
    mounted.rename(tmp_path / "away")
    outcome = anchorhold("recover", "--orphans")
    assert outcome.exit_code == errors.BackendFailedError.exit_code
    shown = outcome.talk
    assert not mounted.exists()
    assert "The key of authority" not in shown
    for what in ("key_backends.far", "authority 'Far'"):
        assert f"Not checked: {what} (key backend 'far', database {database}: is not there" in shown


def _origin(anchorhold: Command, name: str) -> tuple[Any, ...]:
    shown = json.loads(good(anchorhold("view-ca", name, "--output-format=json")).data)
    return shown["key_made"], shown["key_can_leave"], shown["key_place"]


def test_view_ca_says_where_a_key_was_made_and_whether_it_can_leave(places: Path, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    made, can_leave, place = _origin(anchorhold, "Root")
    assert (made, can_leave) == ("here", True)
    assert "storage 'default'" in place
    text = good(anchorhold("view-ca", "Root")).text
    assert "made in its key backend, and can leave it" in text
    assert f"Its place: {place}" in re.sub(": +", ": ", text)
    good(anchorhold("move-key", "Root", "--to=rows"))
    assert _origin(anchorhold, "Root")[:2] == ("elsewhere", True)


def test_a_key_that_cannot_be_used_is_not_asked_for_its_origin(places: Path, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    next(places.rglob("ca/*.key")).unlink()
    assert _origin(anchorhold, "Root") == (None, None, None)


def test_a_responder_whose_key_is_gone_is_shown_until_there_is_another(places: Path, anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    (key,) = places.rglob("ocsp/*.key")
    key.unlink()
    shown = anchorhold("recover", "--orphans")
    assert shown.exit_code == errors.RecoveryNeededError.exit_code
    assert "keys without a record: 0; records without a key: 1" in shown.talk
    assert "The key of the OCSP responder of Root is not in 'default'" in shown.talk
    good(anchorhold("regenerate-ocsp-keys", "Root"))
    assert "each record its key" in good(anchorhold("recover", "--orphans")).talk
