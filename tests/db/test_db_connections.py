"""Databases of keys: who can read their files, and what is said when one cannot be used."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from anchorhold.errors import BackendFailedError, LedgerForeignError, LedgerVersionError
from anchorhold.plugin import FindKeyRequest
from cli.cli_steps import good, refused
from db.keeping import KEY_ID, rows, secrets, sql, use_db
from plugin.fake_backends import NO_SECRETS, configured, create_request, key_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.plugin.key_backend import KeyBackend
    from conftest import Command

on_sqlite = pytest.mark.databases("sqlite", because="it is about files")
on_postgresql = pytest.mark.databases("postgresql", because="it is about a server")
LOOK = FindKeyRequest(key_id=KEY_ID)


@pytest.fixture
def _no_umask() -> Iterator[None]:
    """A umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


@on_sqlite
@pytest.mark.usefixtures("_no_umask")
def test_at_no_moment_can_others_open_the_file_of_keys(
    own: KeyBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "keys"
    moments: list[tuple[str, str, int]] = []

    def watch(module: Any, name: str) -> None:
        real = getattr(module, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            found = [path for path in (folder, *folder.glob("*")) if path.exists()]
            moments.extend((name, path.name, stat.S_IMODE(path.stat().st_mode)) for path in found)
            return real(*arguments, **more)

        monkeypatch.setattr(module, name, watched)

    for module, name in ((os, "open"), (os, "link"), (os, "close"), (sqlite3, "connect")):
        watch(module, name)
    created = own.create_key(create_request(), secrets())
    own.load_signer(key_request(created), secrets()).close()
    assert ("connect", "keys.sqlite3", 0o600) in moments
    assert [moment for moment in moments if moment[2] & 0o077] == []


@on_sqlite
def test_keys_are_written_as_durably_as_the_ledger(own: KeyBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    connect = sqlite3.connect

    def traced(*arguments: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **more)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    own.create_key(create_request(), secrets())
    for pragma in ("PRAGMA synchronous = full;", "PRAGMA secure_delete = 1"):
        assert pragma in statements
    insert = next(number for number, text in enumerate(statements) if text.startswith("INSERT OR IGNORE"))
    assert "BEGIN" not in "".join(statements[insert - 1 : insert + 2])


def _newer(url: str) -> None:
    configured().get("default").find_key(LOOK, NO_SECRETS)
    sql(url, "INSERT INTO anchorhold_db_migration (name, applied) VALUES ('9999_later', '2099-01-01 00:00:00')")


def _foreign(url: str) -> None:
    _file(url).parent.mkdir()
    with sqlite3.connect(_file(url)) as connection:
        connection.execute("CREATE TABLE django_migrations (id INTEGER)")
    connection.close()


def _text(url: str) -> None:
    _file(url).parent.mkdir()
    _file(url).write_text("This is not a database. " * 100)


def _folder(url: str) -> None:
    _file(url).mkdir(parents=True)


def _blocked(url: str) -> None:
    _file(url).parent.write_text("in the way")


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


FILES: dict[str, tuple[Callable[[str], None], type[Any], str]] = {
    "newer": (_newer, LedgerVersionError, "upgrade anchorhold-db"),
    "foreign": (_foreign, LedgerForeignError, "django_migrations"),
    "text": (_text, BackendFailedError, "not a database"),
    "folder": (_folder, BackendFailedError, "unable to open"),
    "blocked": (_blocked, BackendFailedError, "keys/keys.sqlite3: cannot be"),
}


@on_sqlite
@pytest.mark.parametrize("bad", FILES)
def test_a_file_that_holds_no_keys_of_this_version_is_one_line_and_nothing_is_begun(
    anchorhold: Command, own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    spoil, error, words = FILES[bad]
    use_db(tmp_path, monkeypatch, f'database = "{own_url}"')
    spoil(own_url)
    before = _file(own_url).read_bytes() if _file(own_url).is_file() else None
    refused(anchorhold("init-ca", "Root", "CN=Root"), error, "'default'", str(_file(own_url)), words)
    if before is not None:
        assert _file(own_url).read_bytes() == before
    good(anchorhold("recover"))
    use_db(tmp_path, monkeypatch)
    good(anchorhold("init-ca", "Root", "CN=Root"))


@on_sqlite
def test_a_file_of_keys_that_went_away_is_not_made_anew_when_a_key_is_used(
    own: KeyBackend, own_url: str, tmp_path: Path
) -> None:
    created = own.create_key(create_request(key_id=KEY_ID), secrets())
    (tmp_path / "keys").rename(tmp_path / "unmounted")
    for use in (
        lambda: own.load_signer(key_request(created), secrets()),
        lambda: own.export_key(key_request(created), secrets()),
        lambda: own.delete_key(key_request(created), secrets()),
        lambda: configured().get("default").load_signer(key_request(created), secrets()),
    ):
        with pytest.raises(BackendFailedError, match=r"keys\.sqlite3: is not there"):
            use()
    assert not (tmp_path / "keys").exists()
    (tmp_path / "unmounted").rename(tmp_path / "keys")
    own.load_signer(key_request(created), secrets()).close()
    shutil.rmtree(tmp_path / "keys")
    own.create_key(create_request(), secrets())
    assert list(rows(own_url)) == [bytes(20).hex()]
    assert stat.S_IMODE(_file(own_url).stat().st_mode) == 0o600


@on_sqlite
def test_a_locked_file_is_one_line(own: KeyBackend, own_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anchorhold.databases.connect.BUSY_TIMEOUT", 0.05)
    created = own.create_key(create_request(), secrets())
    other = sqlite3.connect(_file(own_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BackendFailedError, match=r"keys\.sqlite3: database is locked; find the process"):
        own.create_key(create_request(key_id=KEY_ID), secrets())
    own.load_signer(key_request(created), secrets()).close()  # readers do not wait
    other.rollback()
    other.close()
    assert own.find_key(LOOK, NO_SECRETS) == ()


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyBackend]:
    """A backend whose file this account can read and not write."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # those of pytest cannot be reached by every account
    use_db(tmp_path, monkeypatch, f'database = "sqlite:///{folder}/keys.sqlite3"')
    backend = configured().get("default")
    backend.create_key(create_request(), secrets())
    folder.chmod(0o555)
    (folder / "keys.sqlite3").chmod(0o444)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65534)
    yield backend
    if superuser:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


@on_sqlite
def test_a_file_that_cannot_be_written_is_one_line(read_only: KeyBackend) -> None:
    with pytest.raises(BackendFailedError, match=r"keys\.sqlite3: .*; check that the database is reachable, writable"):
        read_only.create_key(create_request(key_id=KEY_ID), secrets())


@on_postgresql
def test_a_server_that_is_not_there_is_one_line_without_the_password(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_db(tmp_path, monkeypatch, 'database = "postgresql://ca:hunter2@127.0.0.1:1/keys?connect_timeout=2"')
    outcome = refused(anchorhold("init-ca", "Root", "CN=Root"), BackendFailedError, "'default'", "127.0.0.1")
    assert "hunter2" not in outcome.talk
    good(anchorhold("recover"))


@on_postgresql
def test_a_database_that_cannot_be_written_is_one_line(own: KeyBackend, own_url: str) -> None:
    created = own.create_key(create_request(), secrets())
    with psycopg.connect(own_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
    with pytest.raises(BackendFailedError, match="read-only"):
        own.create_key(create_request(key_id=KEY_ID), secrets())
    with pytest.raises(BackendFailedError, match="read-only"):
        own.delete_key(key_request(created), secrets())
    own.load_signer(key_request(created), secrets()).close()


@on_postgresql
@pytest.mark.usefixtures("own")
def test_keys_of_a_newer_version_are_refused(own_url: str) -> None:
    _newer(own_url)
    with pytest.raises(LedgerVersionError, match="newer anchorhold-db"):
        configured().get("default").find_key(LOOK, NO_SECRETS)


@on_postgresql
def test_the_details_of_a_refused_row_are_not_shown(own: KeyBackend, own_url: str) -> None:
    """PostgreSQL quotes the row that breaks a rule."""
    own.find_key(LOOK, NO_SECRETS)
    sql(own_url, "ALTER TABLE anchorhold_db_key ADD CONSTRAINT never CHECK (created_at < 0)")
    with pytest.raises(BackendFailedError, match="violates check constraint") as caught:
        own.create_key(create_request(), secrets())
    assert "Failing row" not in "".join(traceback.format_exception(caught.value))
