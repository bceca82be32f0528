"""The hooks of the backend ``db``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from anchorhold.errors import KeyInvalidError, SecretMissingError
from anchorhold.plugin import OcspStore, Pkcs8Backend, hookimpl
from anchorhold_db import options as models

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorhold.plugin import (
        AddOption,
        BackendContext,
        CreatedKey,
        CreateKeyRequest,
        KeyEntry,
        Operation,
        Secret,
        Secrets,
    )
    from anchorhold.public_keys import PublicKey
    from anchorhold_db.key_table import KeyTable
    from anchorhold_db.stored_key import StoredKey

_ENCRYPTION_KEY: Final = "encryption-key"


class DatabaseBackend(Pkcs8Backend):
    """Keeps each key in a row with its id: PKCS#8, and the public key beside it.

    Args:
        options: Of the alias.
        context: Opens the ledger's database.
    """

    handle_field = "key_id"
    Options = models.Options

    def __init__(self, options: models.Options, context: BackendContext) -> None:
        super().__init__(options, context)
        self._options = options
        self._context = context

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """A password for every key; the encryption key where the settings have one."""
        super().add_cli_options(add, operation)
        if self._options.encryption_key is not None:
            add(_ENCRYPTION_KEY, help="Encryption key for every private key of this key backend.", secret=True)

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Generate a key and store it."""
        self._encryption_key(secrets)  # before a long wait for an RSA key
        return super().create_key(request, secrets)

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders have random passwords; the encryption key must be there without a person."""
        sealed = self._options.encryption_key is not None
        unattended = frozenset({_ENCRYPTION_KEY}) if sealed else frozenset()
        return OcspStore(unattended=unattended, generated=frozenset({"password"}))

    def check_place(self) -> tuple[str, ...]:
        """Whether its database can be used, without a key and without making anything.

        Returns:
            What could not be checked.

        Raises:
            SettingsError, BackendFailedError, LedgerError: It cannot.
        """
        place = self._options.database
        if place is not None and place.resolve(self._context.environment) is None:
            return (f"{self.subject}: the URL of its database is not known here, so it could not be checked",)
        self._keys.check()
        return ()

    def read(self, entry: KeyEntry) -> bytes | None:
        """The content of a row, no longer sealed.

        Raises:
            SecretMissingError, SecretWrongError: It is sealed with an encryption key, and this one does not open it.
            KeyInvalidError: The row was altered.
        """
        from anchorhold.key_file import joined

        row = self._keys.read(bytes.fromhex(entry.name))
        return None if row is None else joined(self._unsealed(row, entry).reveal_bytes(), row.public_key)

    def write_new(self, entry: KeyEntry, content: bytes) -> None:
        """Add a row, sealed if the settings name an encryption key."""
        from anchorhold.key_file import pkcs8_of, public_key_of
        from anchorhold.plugin import Secret
        from anchorhold.public_keys import spki
        from anchorhold_db.encryption_at_rest import encrypt_content
        from anchorhold_db.stored_key import StoredKey

        row = StoredKey(
            key_id=bytes.fromhex(entry.name),
            public_key=spki(public_key_of(content, entry.subject)),
            sealing=None,
            content=Secret(pkcs8_of(content)),
        )
        encryption_key = self._encryption_key(entry.secrets)
        self._keys.add(row if encryption_key is None else encrypt_content(row, encryption_key))

    def delete(self, entry: KeyEntry) -> bool:
        """Remove a row."""
        return self._keys.delete(bytes.fromhex(entry.name))

    def names(self, secrets: Secrets) -> Iterable[str]:
        """The ids of all rows; a database that is not there may be on a file system that is not mounted."""
        return self._keys.ids()

    def describe(self, name: str) -> str:
        """A row, in messages."""
        return f"the row {name} of the database"

    def public_key(self, entry: KeyEntry) -> PublicKey | None:
        """The public key in a row, for which no secret is needed; a database that is not there is created."""
        row = self._keys.read(bytes.fromhex(entry.name), may_create=True)
        return None if row is None else _public_key(row, self._keys.where)

    @cached_property
    def _keys(self) -> KeyTable:
        from anchorhold_db.connections import DedicatedDatabase, SharedDatabase
        from anchorhold_db.key_table import KeyTable

        if self._options.database is None:
            return KeyTable(SharedDatabase(self.subject, self._context.database))
        url = self._options.database.require(self._context.environment, f"{self.subject}, URL of its database")
        return KeyTable(DedicatedDatabase(self.subject, url.reveal().strip()))

    def _encryption_key(self, secrets: Secrets) -> Secret | None:
        """What a new key is sealed with; None if the settings name nothing.

        Nobody is asked, for what is typed once may be mistyped, and would open the key never again.

        Raises:
            SecretMissingError: The settings name one that is not there: a key must not become a plain one by that.
        """
        if self._options.encryption_key is None:
            return None
        encryption_key = secrets.get(_ENCRYPTION_KEY)
        if encryption_key is None:
            raise SecretMissingError(
                f"{self.subject}: the encryption key for a new key is missing or empty",
                hint=f"set what {self._option_name} names; it is never prompted for when a key is created",
            )
        return encryption_key

    @property
    def _option_name(self) -> str:
        return f"{self._context.section}.options.encryption_key"

    def _unsealed(self, row: StoredKey, entry: KeyEntry) -> Secret:
        """The PKCS#8 of a row, which may still be encrypted with a password."""
        from anchorhold_db.encryption_at_rest import decrypt_content

        if row.sealing is None:
            return row.content
        if self._options.encryption_key is None:
            raise SecretMissingError(
                f"{entry.subject}: it is sealed with an encryption key", hint=f"set {self._option_name}"
            )
        return decrypt_content(row, entry.secrets.require(_ENCRYPTION_KEY), entry.subject)


def _public_key(row: StoredKey, where: str) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    from anchorhold.public_keys import check_strength

    subject = f"{where}: the public key of the row {row.key_id.hex()}"
    try:
        return check_strength(load_der_public_key(row.public_key), subject)
    except ValueError as error:
        raise KeyInvalidError(f"{subject} cannot be read", hint="restore it from a backup") from error
