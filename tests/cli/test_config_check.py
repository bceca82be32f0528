"""``config check`` finds what cannot work, used or not, and says what it could not try; it presents no PIN."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from anchorhold import errors
from anchorhold.databases import close, open_database
from cli.cli_steps import good, left_behind, refused, settings_file
from db.keeping import sql

if TYPE_CHECKING:
    from conftest import Command, Outcome
    from hsm.softhsm import SoftHsm
    from storages.servers import Bucket

pytestmark = pytest.mark.databases("sqlite", because="the settings are the same whatever the database")

pytest_plugins = ["storages.server_fixtures", "db.database_fixtures"]

DEFAULT = '[storages.default]\noptions = { location = "keys" }\n[key_backends.default]\nbackend = "storages"\n'
WRONG = {
    "no module": ('[key_backends.h]\nbackend = "hsm"\noptions = { library_path = "/no.so", token = "t" }', "/no.so"),
    "no PIN file": (
        '[key_backends.s]\nbackend = "storages"\noptions = { password = { file = "/no/pin" } }',
        "key_backends.s.options.password",
    ),
    "a protocol that is none": ('[storages.unused]\nbackend = "nosuch://a"', "nosuch"),
    "an option that is none": ('[storages.unused]\nbackend = "local"\noptions = { locaton = "a" }', "locaton"),
    "a package that is not there": ('[storages.unused]\nbackend = "smb://a/b"', "'unused'"),
    "a folder that is a file": ('[storages.unused]\nbackend = "local"\noptions = { location = "file" }', "file"),
    "a host that is not there": (
        '[storages.unused]\nbackend = "sftp://me@127.0.0.1:1/keys"\noptions = { password = "x", host_key = "ssh-ed25519'
        ' AAAAC3NzaC1lZDI1NTE5AAAAIJ0L1YTj3nVZ2GZ8bqzDZbK3n9cS0VfY9g2bqk2yq1aB" }',
        "'unused'",
    ),
    "a database of no known kind": (
        '[key_backends.d]\nbackend = "db"\noptions = { database = "mysql://u:hunter2@h/n" }',
        "key_backends.d.options.database",
    ),
    "a database of no known kind, by reference": (
        '[key_backends.d]\nbackend = "db"\noptions = { database = { file = "file" } }',
        "'d'",
    ),
    "a server that is down": (
        '[key_backends.d]\nbackend = "db"\noptions = { database = "postgresql://u:hunter2@127.0.0.1:1/n" }',
        "refused",
    ),
    "a database below a file": (
        '[ocsp_key_backends.d]\nbackend = "db"\noptions = { database = "sqlite:////FOLDER/file/keys.sqlite3" }',
        "is not a folder",
    ),
    "a folder where a database should be": (
        '[key_backends.d]\nbackend = "db"\noptions = { database = "sqlite:////FOLDER/folder" }',
        "is not a file",
    ),
    "a database of something else": (
        '[key_backends.d]\nbackend = "db"\noptions = { database = "sqlite:////FOLDER/other" }',
        "not a database",
    ),
    "a database on a file system that is read-only": (
        '[key_backends.d]\nbackend = "db"\noptions = { database = "sqlite:////proc/sys/keys.sqlite3" }',
        "cannot be written by this account",
    ),
    "an alias that is a word of options": ('[key_backends.parent]\nbackend = "storages"', "--parent-password"),
    "another such alias": ('[key_backends.import]\nbackend = "storages"', "ANCHORHOLD_IMPORT_PASSWORD"),
}


def tables(url: str) -> list[str]:
    """The tables of a database; none if there is none."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return []
    database = open_database(url)
    try:
        return sorted(database.get_tables())
    finally:
        close(database)


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_work_is_found_used_or_not(kind: str, anchorhold: Command, tmp_path: Path) -> None:
    text, word = WRONG[kind]
    (tmp_path / "file").write_text("mysql://u:hunter2@h/n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").write_text("neither SQLite nor empty\n" * 100)
    path = settings_file(tmp_path, f"{DEFAULT}{text}\n".replace("/FOLDER", str(tmp_path)))
    before = left_behind(tmp_path)
    outcome = anchorhold("--config", str(path), "config", "check")
    assert outcome.exit_code not in (0, 1, 2), outcome.talk
    assert word in outcome.talk
    assert "no problems found" not in outcome.talk
    assert "hunter2" not in outcome.talk
    assert len(outcome.talk.splitlines()) == 1, "one cause is one sentence"
    assert left_behind(tmp_path) == before


def test_a_bucket_that_is_not_there_is_found_used_or_not(anchorhold: Command, tmp_path: Path, bucket: Bucket) -> None:
    text = f'{DEFAULT}[storages.far]\nbackend = "s3://BUCKET/keys"\n[storages.far.options]\n{bucket.options}\n'
    used = '[ocsp_key_backends.far]\nbackend = "storages"\noptions = { storage_alias = "far" }\n'
    good(anchorhold("--config", str(settings_file(tmp_path, text.replace("BUCKET", bucket.name))), "config", "check"))
    for more in ("", used):
        path = settings_file(tmp_path, text.replace("BUCKET", "misspelt") + more)
        refused(anchorhold("--config", str(path), "config", "check"), errors.BackendFailedError, "misspelt")
    assert bucket.names() == []


@pytest.mark.parametrize("place", ["/proc/sys/ledger.sqlite3", "/FOLDER/file/ledger.sqlite3", "/FOLDER/folder"])
def test_a_place_in_which_no_ledger_can_be_is_found(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"sqlite:///{place.replace('/FOLDER', str(tmp_path))}")
    path = settings_file(tmp_path, f'{DEFAULT}[key_backends.d]\nbackend = "db"\n')
    refused(anchorhold("--config", str(path), "config", "check"), errors.LedgerError, "ledger")


IN_LEDGER = '[key_backends.default]\nbackend = "db"\n'
on_both = pytest.mark.databases("sqlite", "postgresql", because="keys may be in either")


@on_both
def test_tables_that_are_not_there_yet_are_fine_and_are_not_made(
    anchorhold: Command, tmp_path: Path, own_url: str, database: str
) -> None:
    own = f'[key_backends.own]\nbackend = "db"\noptions = {{ database = "{own_url}" }}\n'
    good(anchorhold("--config", str(settings_file(tmp_path, IN_LEDGER + own)), "config", "check"))
    for url in (own_url, database):
        assert tables(url) == []
    other = tmp_path / "other.toml"
    other.write_text(DEFAULT.replace("key_backends.default", "key_backends.files"))
    good(anchorhold("--config", str(other), "init-ca", "Root", "CN=Root", "--key-backend=files"))
    other.write_text(IN_LEDGER + own + DEFAULT.replace("key_backends.default", "key_backends.files"))
    before = tables(database)  # of a ledger without keys
    good(anchorhold("--config", str(other), "config", "check"))
    assert tables(database) == before
    for alias in ("default", "own"):
        good(anchorhold("--config", str(other), "init-ca", alias, f"CN={alias}", f"--key-backend={alias}"))
    good(anchorhold("--config", str(other), "config", "check"))


@on_both
@pytest.mark.parametrize("place", ["own", "ledger"])
def test_tables_of_a_newer_version_are_found(
    anchorhold: Command, tmp_path: Path, own_url: str, database: str, place: str
) -> None:
    url = own_url if place == "own" else database
    options = f'options = {{ database = "{own_url}" }}\n' if place == "own" else ""
    path = settings_file(tmp_path, IN_LEDGER + options)
    good(anchorhold("--config", str(path), "init-ca", "Root", "CN=Root"))
    sql(url, "INSERT INTO anchorhold_db_migration (name, applied) VALUES ('9999_later', '2099-01-01 00:00:00')")
    refused(anchorhold("--config", str(path), "config", "check"), errors.LedgerVersionError, "9999_later")


@pytest.mark.databases("postgresql", because="it is about users of a server")
def test_what_a_user_of_a_server_may_not_do_is_found(anchorhold: Command, tmp_path: Path, own_url: str) -> None:
    user = f"reader_{os.getpid()}"
    parts = urlsplit(own_url)
    host = parts.netloc.rpartition("@")[2]
    reader = parts._replace(netloc=f"{user}:hunter2@{host}").geturl()

    def check(url: str) -> Outcome:
        text = f'{DEFAULT}[key_backends.d]\nbackend = "db"\noptions = {{ database = "{url}" }}\n'
        return anchorhold("--config", str(settings_file(tmp_path, text)), "config", "check")

    sql(own_url, f"CREATE ROLE {user} LOGIN PASSWORD 'hunter2'")
    try:
        refused(check(reader), errors.BackendFailedError, "cannot create its tables", "grant it CREATE")
        good(check(own_url))
        good(anchorhold("--config", str(tmp_path / "config.toml"), "init-ca", "R", "CN=R", "--key-backend=d"))
        sql(own_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
        refused(check(reader), errors.BackendFailedError, "cannot write to anchorhold_db_key")
        sql(own_url, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}")
        good(check(reader))
        sql(own_url, f"ALTER ROLE {user} SET default_transaction_read_only = on")
        refused(check(reader), errors.BackendFailedError, "is read-only")
        refused(check(own_url.replace(parts.path, "/nosuch")), errors.BackendFailedError, "nosuch", "createdb")
    finally:
        sql(own_url, f"DROP OWNED BY {user}")
        sql(own_url, f"DROP ROLE {user}")


def test_everything_that_is_wrong_is_said(anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, "\n".join([DEFAULT, WRONG["no module"][0], WRONG["a protocol that is none"][0]]))
    talk = anchorhold("--config", str(path), "config", "check").talk
    assert "/no.so" in talk
    assert "nosuch" in talk


def test_what_could_not_be_tried_is_told_from_what_is_right(anchorhold: Command, tmp_path: Path) -> None:
    path = settings_file(tmp_path, f'{DEFAULT}options = {{ password = {{ env = "NOT_SET_HERE" }} }}\n')
    talk = good(anchorhold("--config", str(path), "config", "check")).talk
    assert "NOT_SET_HERE is not set here, so it could not be checked" in talk
    assert "no problems found, as far as it could be tested" in talk


def test_an_authority_whose_alias_is_gone_is_named(anchorhold: Command, tmp_path: Path) -> None:
    with_alias = settings_file(tmp_path, f'{DEFAULT}[key_backends.eu]\nbackend = "storages"\n')
    good(anchorhold("--config", str(with_alias), "init-ca", "Root", "CN=Root", "--key-backend=eu"))
    good(anchorhold("--config", str(with_alias), "config", "check"))
    without = settings_file(tmp_path, DEFAULT)
    outcome = anchorhold("--config", str(without), "config", "check")
    assert outcome.exit_code == errors.UnknownAliasError.exit_code
    assert "'Root'" in outcome.talk
    assert "'eu'" in outcome.talk


def test_a_token_is_looked_for_and_its_pin_is_not_presented(
    anchorhold: Command, tmp_path: Path, softhsm: SoftHsm
) -> None:
    options = f'library_path = "{softhsm.library}", user_pin = "0000-wrong"'
    for label, code in (("one", 0), ("nobodys", errors.BackendFailedError.exit_code)):
        text = f'{DEFAULT}[key_backends.h]\nbackend = "hsm"\noptions = {{ {options}, token = "{label}" }}\n'
        outcome = anchorhold("--config", str(settings_file(tmp_path, text)), "config", "check")
        assert (outcome.exit_code == 0) == (code == 0), outcome.talk
        assert ("PIN could not be checked" in outcome.talk) == (code == 0)
