"""Rows of keys: found, exported and removed by their id, never overwritten, and refused when somebody altered them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.databases import connect
from anchorhold.errors import (
    KeyExistsError,
    KeyInvalidError,
    KeyMismatchError,
    KeyMissingError,
    OperationUnsupportedError,
    SecretWrongError,
)
from anchorhold.installation import open_installation
from anchorhold.plugin import FindKeyRequest, ImportKeyRequest, KeyHandle, Secret
from anchorhold.public_keys import spki
from anchorhold_db import key_table
from anchorhold_db.stored_key import StoredKey
from cli.cli_steps import good, refused
from db.keeping import KEY_ID, RANDOM, key_id_of, rows, secrets, sql, use_db
from plugin.fake_backends import CA, NO_SECRETS, create_request, key_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.errors import AnchorholdError
    from anchorhold.plugin.key_backend import KeyBackend
    from conftest import Command

    Alteration: TypeAlias = Callable[[str, str, str], None]
    """Spoils a row: URL, key id of the row, key id of another one."""


@pytest.mark.parametrize("password", ["x", None])
def test_a_key_is_found_by_its_id_without_any_secret(own: KeyBackend, password: str | None) -> None:
    created = own.create_key(create_request(key_id=KEY_ID), secrets(password))
    assert own.find_key(FindKeyRequest(key_id=KEY_ID), NO_SECRETS) == (created,)
    assert own.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS) == ()
    with pytest.raises(OperationUnsupportedError, match="no key can be adopted"):
        own.find_key(FindKeyRequest(key_id=None), NO_SECRETS)


def test_the_handle_is_the_id_and_nothing_else(own: KeyBackend) -> None:
    created = own.create_key(create_request(key_id=KEY_ID), secrets("hunter2"))
    assert created.handle == KeyHandle(version=1, data={"key_id": KEY_ID.hex()})


def _import(backend: KeyBackend) -> None:
    plain = pkcs8.dump_pkcs8(software_keys.generate(key_spec("EC")))
    backend.import_key(ImportKeyRequest(key_id=bytes(20), pkcs8=plain, ca=CA), secrets("second"))


def _create(backend: KeyBackend) -> None:
    backend.create_key(create_request(), secrets("second"))


@pytest.mark.parametrize("store", [_create, _import])
def test_a_row_is_never_overwritten(own: KeyBackend, own_url: str, store: Callable[[KeyBackend], None]) -> None:
    own.create_key(create_request(), secrets("first"))
    before = rows(own_url)
    with pytest.raises(KeyExistsError, match=r"the key 0{40} exists already"):
        store(own)
    assert rows(own_url) == before


def test_a_deleted_key_is_gone_and_the_others_stay(own: KeyBackend, own_url: str) -> None:
    created, other = (own.create_key(create_request(key_id=key_id), secrets("x")) for key_id in (bytes(20), KEY_ID))
    assert own.delete_key(key_request(created), NO_SECRETS) is True
    assert list(rows(own_url)) == [KEY_ID.hex()]
    assert own.delete_key(key_request(created), NO_SECRETS) is False
    with pytest.raises(KeyMissingError, match=r"'Root': the row 0{40} of the database is gone"):
        own.load_signer(key_request(created), secrets("x"))
    own.load_signer(key_request(other), secrets("x")).close()


def _plain_octets(url: str) -> bytes:
    ((_, _, content),) = rows(url).values()
    return b"".join(content.splitlines()[1:3])[:60]


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes().replace(b"\n", b"") for path in folder.rglob("*") if path.is_file())


@pytest.mark.databases("sqlite", because="PostgreSQL keeps what was deleted until it is vacuumed, and in its log")
@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_on_sqlite_no_octet_of_a_deleted_key_stays_in_the_files(
    anchorhold: Command, database: str, ca_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    use_db(tmp_path, monkeypatch)
    good(anchorhold("list-cas"))
    with open_installation() as installation:
        backend = installation.backends.get("default")
        created = backend.create_key(create_request(spec=key_spec(kind)), secrets())
        octets = _plain_octets(database)
        assert octets in _files(ca_dir)
        with open_installation() as reader:  # keeps the log from being removed when the other closes
            assert reader.authorities.list() == []
            assert backend.delete_key(key_request(created), NO_SECRETS) is True
            assert octets not in _files(ca_dir)


@pytest.mark.databases("sqlite", because="PostgreSQL has no such log")
def test_a_deleted_key_that_is_left_in_the_log_for_the_sake_of_a_reader_is_said(
    anchorhold: Command,
    database: str,
    ca_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_db(tmp_path, monkeypatch)
    good(anchorhold("list-cas"))
    monkeypatch.setattr(connect, "BUSY_TIMEOUT", 0.1)
    monkeypatch.setattr(key_table, "RETRY_TIMEOUT", 0.1)
    with open_installation() as installation:
        backend = installation.backends.get("default")
        created = backend.create_key(create_request(key_id=KEY_ID), secrets())
        octets = _plain_octets(database)
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM anchorhold_db_key").fetchone()
            assert backend.delete_key(key_request(created), NO_SECRETS) is True
        assert f"key {KEY_ID.hex()} was deleted, and its octets stay in the write-ahead log" in caplog.text
        assert backend.delete_key(key_request(created), NO_SECRETS) is False
        assert octets not in _files(ca_dir)


@pytest.mark.parametrize("password", ["x", None])
def test_an_exported_key_is_plain_and_can_be_imported_again(own: KeyBackend, password: str | None) -> None:
    created = own.create_key(create_request(spec=key_spec("Ed25519")), secrets(password))
    exported = own.export_key(key_request(created), secrets(password))
    loaded: Any = load_pem_private_key(exported.reveal_bytes(), None)
    assert spki(loaded.public_key()) == spki(created.public_key)
    imported = own.import_key(ImportKeyRequest(key_id=KEY_ID, pkcs8=exported, ca=CA), secrets("another"))
    assert spki(imported.public_key) == spki(created.public_key)
    own.load_signer(key_request(imported), secrets("another")).close()


def test_the_key_of_another_row_is_not_exported(own: KeyBackend, own_url: str) -> None:
    created = own.create_key(create_request(key_id=KEY_ID), secrets())
    own.create_key(create_request(), secrets())
    _copy(own_url, KEY_ID.hex(), bytes(20).hex(), "public_key", "content")
    with pytest.raises(KeyMismatchError, match=f"'Root': the row {KEY_ID.hex()} of the database holds another key"):
        own.export_key(key_request(created), secrets())


def test_a_row_shows_no_key() -> None:
    row = StoredKey(key_id=KEY_ID, public_key=b"public", sealing=None, content=Secret("canary"))
    assert "canary" not in repr(row)


def test_a_damaged_public_key_is_not_taken_for_the_key_that_is_looked_for(own: KeyBackend, own_url: str) -> None:
    own.create_key(create_request(key_id=KEY_ID), secrets())
    sql(own_url, "UPDATE anchorhold_db_key SET public_key = substr(public_key, 1, 40)")
    with pytest.raises(KeyInvalidError, match=f"the public key of the row {KEY_ID.hex()} cannot be read"):
        own.find_key(FindKeyRequest(key_id=KEY_ID), NO_SECRETS)


def _copy(url: str, target: str, source: str, *columns: str) -> None:
    """Overwrite columns of one row with those of another."""
    for column in columns:
        value = f"(SELECT {column} FROM anchorhold_db_key WHERE key_id = '{source}')"  # noqa: S608
        sql(url, f"UPDATE anchorhold_db_key SET {column} = {value} WHERE key_id = '{target}'")  # noqa: S608


def _set(column: str, value: str) -> Alteration:
    def alter(url: str, target: str, source: str) -> None:
        sql(url, f"UPDATE anchorhold_db_key SET {column} = {value} WHERE key_id = '{target}'")  # noqa: S608

    return alter


def _swap(*columns: str) -> Alteration:
    return lambda url, target, source: _copy(url, target, source, *columns)


def _gone(url: str, target: str, source: str) -> None:
    sql(url, f"DELETE FROM anchorhold_db_key WHERE key_id = '{target}'")  # noqa: S608


ALTERED: dict[str, tuple[Alteration, type[AnchorholdError] | None, type[AnchorholdError]]] = {
    "gone": (_gone, KeyMissingError, KeyMissingError),
    "another row's content": (_swap("content"), KeyMismatchError, KeyInvalidError),
    "another row's content and sealing": (_swap("content", "sealing"), KeyMismatchError, KeyInvalidError),
    "another row altogether": (_swap("content", "sealing", "public_key"), KeyMismatchError, KeyInvalidError),
    "another public key": (_swap("public_key"), None, KeyInvalidError),
    "content cut": (_set("content", "substr(content, 1, 50)"), KeyInvalidError, KeyInvalidError),
    "content empty": (_set("content", "substr(content, 1, 0)"), KeyInvalidError, KeyInvalidError),
    "sealing taken away": (_set("sealing", "NULL"), None, KeyInvalidError),
    "sealing no JSON": (_set("sealing", "'x'"), KeyInvalidError, KeyInvalidError),
    "sealing a list": (_set("sealing", "'[]'"), KeyInvalidError, KeyInvalidError),
    "sealing from the future": (
        _set("sealing", """'{"stretching": "new", "salt": "", "nonce": "", "check": ""}'"""),
        KeyInvalidError,
        KeyInvalidError,
    ),
    "salt altered": (_set("sealing", """replace(sealing, '"salt": "', '"salt": "00')"""), None, SecretWrongError),
    "nonce altered": (_set("sealing", """replace(sealing, '"nonce": "', '"nonce": "00')"""), None, KeyInvalidError),
    "nonce empty": (_set("sealing", """replace(sealing, '"nonce"', '"nonce": "", "x"')"""), None, KeyInvalidError),
}


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
@pytest.mark.parametrize("altered", ALTERED)
def test_an_altered_row_is_one_clear_error_and_nothing_is_signed(
    anchorhold: Command,
    database: str,
    csr_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    altered: str,
    sealed: bool,
) -> None:
    alter, *errors = ALTERED[altered]
    error = errors[sealed]
    for name in ("Root", "Other"):
        use_db(tmp_path, monkeypatch, f'encryption_key = "{RANDOM}"' if sealed else "")
        good(anchorhold("init-ca", name, f"CN={name}"))
    use_db(tmp_path, monkeypatch, f'encryption_key = "{RANDOM}"')
    issued = anchorhold("list-certs").text
    alter(database, key_id_of("Root"), key_id_of("Other"))
    sign = ("sign-cert", f"--csr={csr_file}", "--alt=a.example")
    if error is None:  # nothing that a plain row needs
        good(anchorhold(*sign, "--ca=Root"))
        return
    refused(anchorhold(*sign, "--ca=Root"), error, "'Root'")
    assert anchorhold("list-certs").text == issued
    good(anchorhold(*sign, "--ca=Other"))
