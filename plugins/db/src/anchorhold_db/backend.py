"""The hooks of the backend ``db``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from anchorhold.errors import (
    KeyInvalidError,
    KeyMismatchError,
    KeyMissingError,
    OperationUnsupportedError,
    SecretMissingError,
)
from anchorhold.remedy import Remedy
from anchorhold.seam import API_VERSION, Capabilities, CreatedKey, KeyHandle, OcspStore, hookimpl
from anchorhold_db import options as models

if TYPE_CHECKING:
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam import (
        AddOption,
        BackendContext,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyRequest,
        Operation,
        Secret,
        Secrets,
        Signer,
    )
    from anchorhold.softkeys import PrivateKey
    from anchorhold_db.keys import Keys
    from anchorhold_db.row import StoredKey

HANDLE_VERSION: Final = 1
_ENCRYPTION_KEY: Final = "encryption-key"
_SECTIONS: Final = {"ca": "key_backends", "ocsp": "ocsp_key_backends"}


@dataclass(frozen=True, slots=True)
class _Protection:
    """What a new key is encrypted with: its own password, the encryption key of the alias, both or neither."""

    password: Secret | None
    encryption_key: Secret | None


class DatabaseBackend:
    """Keeps each key in a row with its id: PKCS#8, and the public key beside it.

    With the public key beside it, a key is recognised without its password.

    Args:
        options: Of the alias.
        context: Opens the ledger's database.
    """

    anchorhold_api = API_VERSION
    capabilities = Capabilities()
    handle_version = HANDLE_VERSION
    Options = models.Options

    def __init__(self, options: models.Options, context: BackendContext) -> None:
        self._options = options
        self._context = context
        self._subject = f"key backend {context.alias!r}"

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """A password for every key; the encryption key where the settings have one."""
        new = operation in ("create", "import")
        help_text = "Encrypt the private key with this password." if new else "Password of the private key."
        add("password", help=help_text, secret=True, scope="key")
        if self._options.encryption_key is not None:
            add(_ENCRYPTION_KEY, help="Seals every private key of this key backend.", secret=True)

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Generate a key and store it."""
        from anchorhold import softkeys

        protection = self._protection(secrets)  # before a long wait for an RSA key
        return self._store(softkeys.generate(request.spec), request.key_id, protection)

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """Store a key from elsewhere."""
        from anchorhold import pkcs8

        key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        return self._store(key, request.key_id, self._protection(secrets))

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Load a key into memory."""
        from anchorhold.softkeys import SoftwareSigner

        return SoftwareSigner(self._load(request, secrets))

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders have random passwords; the encryption key must be there without a person."""
        sealed = self._options.encryption_key is not None
        unattended = frozenset({_ENCRYPTION_KEY}) if sealed else frozenset()
        return OcspStore(unattended=unattended, generated=frozenset({"password"}))

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Look for the row of a key id; needs no secret."""
        if request.key_id is None:
            raise OperationUnsupportedError(
                f"{self._subject}: keeps no keys but its own, so there is none to adopt",
                hint="import the key from a file",
                remedy=Remedy("authorities.import"),
            )
        row = self._keys.read(request.key_id, may_create=True)
        return () if row is None else (_created(row.key_id, _public_key(row, self._keys.where)),)

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """Hand out a key."""
        from anchorhold import pkcs8

        return pkcs8.dump_pkcs8(self._load(request, secrets))

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Remove the row of a key."""
        return self._keys.delete(_key_id(request))

    def check_place(self) -> tuple[str, ...]:
        """Whether its database can be used, without a key and without making anything.

        Returns:
            What could not be tried.

        Raises:
            SettingsError, BackendFailedError, LedgerError: It cannot.
        """
        place = self._options.database
        if place is not None and place.resolve(self._context.environment) is None:
            return (f"{self._subject}: the URL of its database is not known here, so it could not be tried",)
        self._keys.check()
        return ()

    @cached_property
    def _keys(self) -> Keys:
        from anchorhold_db.keys import Keys
        from anchorhold_db.places import LedgerPlace, OwnDatabase

        if self._options.database is None:
            return Keys(LedgerPlace(self._subject, self._context.database))
        url = self._options.database.require(self._context.environment, f"{self._subject}, URL of its database")
        return Keys(OwnDatabase(self._subject, url.reveal().strip()))

    def _protection(self, secrets: Secrets) -> _Protection:
        """Fails if the settings name an encryption key that is not there: a key must not become a plain one by that.

        Nobody is asked, for what is typed once may be mistyped, and would open the key never again.
        """
        password, encryption_key = secrets.get("password"), secrets.get(_ENCRYPTION_KEY)
        if self._options.encryption_key is None:
            return _Protection(password, None)
        if encryption_key is None:
            raise SecretMissingError(
                f"{self._subject}: the encryption key for a new key is missing or empty",
                hint=f"set what {self._option_name} names; nobody is asked for it when a key is made",
            )
        return _Protection(password, encryption_key)

    @property
    def _option_name(self) -> str:
        return f"{_SECTIONS[self._context.role]}.{self._context.alias}.options.encryption_key"

    def _store(self, key: PrivateKey, key_id: bytes, protection: _Protection) -> CreatedKey:
        from anchorhold import pkcs8
        from anchorhold.publickeys import spki
        from anchorhold_db.row import StoredKey
        from anchorhold_db.sealing import seal

        content = pkcs8.dump_pkcs8(key, protection.password)
        row = StoredKey(key_id=key_id, public_key=spki(key.public_key()), sealing=None, content=content)
        self._keys.add(row if protection.encryption_key is None else seal(row, protection.encryption_key))
        return _created(key_id, key.public_key())

    def _load(self, request: KeyRequest, secrets: Secrets) -> PrivateKey:
        from anchorhold import pkcs8
        from anchorhold.publickeys import spki

        subject = f"{self._subject}, key of {request.ca.name!r}"
        row = self._keys.read(_key_id(request))
        if row is None:
            raise KeyMissingError(
                f"{subject}: the row {_key_id(request).hex()} is gone from the database",
                hint="restore it from a backup",
            )
        content = self._opened(row, secrets, subject).reveal_bytes()
        password = secrets.require("password") if pkcs8.is_encrypted(content) else None
        key = pkcs8.load_private_key(content, password, subject)
        if spki(key.public_key()) != spki(request.public_key):
            raise KeyMismatchError(
                f"{subject}: the private key in its row is another one", hint="restore the row from a backup"
            )
        return key

    def _opened(self, row: StoredKey, secrets: Secrets, subject: str) -> Secret:
        """The PKCS#8 of a row, which may still be encrypted with a password."""
        from anchorhold_db.sealing import unseal

        if row.sealing is None:
            return row.content
        if self._options.encryption_key is None:
            raise SecretMissingError(f"{subject}: it is sealed with an encryption key", hint=f"set {self._option_name}")
        return unseal(row, secrets.require(_ENCRYPTION_KEY), subject)


def _key_id(request: KeyRequest) -> bytes:
    return bytes.fromhex(request.handle.data["key_id"])


def _created(key_id: bytes, public_key: PublicKey) -> CreatedKey:
    return CreatedKey(handle=KeyHandle(version=HANDLE_VERSION, data={"key_id": key_id.hex()}), public_key=public_key)


def _public_key(row: StoredKey, where: str) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    from anchorhold.publickeys import check_strength

    subject = f"{where}: the public key of the row {row.key_id.hex()}"
    try:
        return check_strength(load_der_public_key(row.public_key), subject)
    except ValueError as error:
        raise KeyInvalidError(f"{subject} cannot be read", hint="restore it from a backup") from error
