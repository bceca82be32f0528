"""What the tests of keys in databases share: settings with such keys, and the rows as they really are."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from anchorhold.databases import close, open_database
from anchorhold.installation import open_installation
from anchorhold.plugin import Secret
from anchorhold.plugin.secret_resolver import SecretResolver
from plugin.fake_backends import settings_file

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

RANDOM: Final = "bXktMzItcmFuZG9tLW9jdGV0cy1pbi1iYXNlNjQhISE="
"""An encryption key of 32 octets in base64."""
PASSPHRASE: Final = "an encryption key that a person thought of"
KEY_ID: Final = bytes(range(20))


def use_db(folder: Path, monkeypatch: pytest.MonkeyPatch, options: str = "", more: str = "") -> Path:
    """A settings file whose default key backend is this one.

    Args:
        folder: For the file.
        monkeypatch: Names it to every command of the test.
        options: Lines of TOML.
        more: Other sections.
    """
    content = f'[key_backends.default]\nbackend = "db"\n[key_backends.default.options]\n{options}\n{more}'
    return settings_file(folder, monkeypatch, content)


def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement on a database; rows, with binary values as bytes."""
    database = open_database(url)
    try:
        with closing(database.execute_sql(statement)) as cursor:
            found = cursor.fetchall() if cursor.description is not None else []
        return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in found]
    finally:
        close(database)


def rows(url: str) -> dict[str, tuple[bytes, str | None, bytes]]:
    """All stored keys: public key, sealing and content by key id."""
    found = sql(url, "SELECT key_id, public_key, sealing, content FROM anchorhold_db_key")
    return {key_id: (public_key, sealing, content) for key_id, public_key, sealing, content in found}


def key_id_of(authority: str) -> str:
    """The key id of an authority, in hex."""
    with open_installation() as installation:
        return installation.authorities.get(authority).record.key_id.hex()


def secrets(password: str | None = None, encryption_key: str | None = None) -> SecretResolver:
    """Secrets as a command would give them."""
    given = {"password": password, "encryption-key": encryption_key}
    return SecretResolver(
        alias="default",
        environment={},
        section="key_backends.default",
        given={name: Secret(value) for name, value in given.items() if value is not None},
    )
