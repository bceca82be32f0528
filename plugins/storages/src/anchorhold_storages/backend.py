"""The hooks of the backend ``storages``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from anchorhold.errors import InputError, KeyMissingError, OperationUnsupportedError
from anchorhold.remedy import Remedy
from anchorhold.seam import API_VERSION, Capabilities, CreatedKey, KeyHandle, OcspStore, hookimpl
from anchorhold_storages import options as models
from anchorhold_storages.storage import storage_opener

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
    from anchorhold_storages.storage import Storage

HANDLE_VERSION = 1
_SECTIONS = {"ca": "key_backends", "ocsp": "ocsp_key_backends"}
"""Of the settings, by role."""


class StoragesBackend:
    """Keeps each key in a file ``<path>/<key id>.key`` of its storage, as PKCS#8 followed by the public key.

    With the public key beside it, a key is recognised without its password.

    Args:
        options: Of the alias.
        context: Carries the section ``storages``.
    """

    anchorhold_api = API_VERSION
    capabilities = Capabilities()
    handle_version = HANDLE_VERSION
    Options = models.Options
    OcspOptions = models.OcspOptions

    def __init__(self, options: models.Options | models.OcspOptions, context: BackendContext) -> None:
        self._options = options
        self._context = context
        wanted_by = f"{_SECTIONS[context.role]}.{context.alias}"
        self._open = storage_opener(options.storage_alias, context.shared["storages"], context.environment, wanted_by)

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """A folder for new keys; a password for every key."""
        if operation in ("create", "import"):
            add(
                "path",
                help="Folder of the storage in which the private key is stored.",
                scope="key",
                default=self._options.path,
            )
            add("password", help="Encrypt the private key with this password.", secret=True, scope="key")
        else:
            add("password", help="Password of the private key.", secret=True, scope="key")

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Generate a key and store it."""
        from anchorhold import softkeys

        return self._store(softkeys.generate(request.spec), request, secrets)

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """Store a key from elsewhere."""
        from anchorhold import pkcs8

        key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        return self._store(key, request, secrets)

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Load a key into memory."""
        from anchorhold.softkeys import SoftwareSigner

        return SoftwareSigner(self._load(request, secrets))

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders have a folder of their own, and random passwords unless told otherwise."""
        generated = frozenset({"password"}) if self._encrypts else frozenset()
        return OcspStore(options={"path": self._options.path}, generated=generated)

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Look for the file of a key id, also for one whose writing was interrupted; needs no password."""
        from anchorhold_storages.keyfile import is_whole, public_key_of

        if request.key_id is None:
            raise OperationUnsupportedError(
                f"key backend {self._context.alias!r}: keeps no keys but its own, so there is none to adopt",
                hint="import the key from a file",
                remedy=Remedy("authorities.import"),
            )
        path = _file_path(self._folder(request.options.get("path")), request.key_id)
        content = self._storage.settle(path, is_whole)
        return () if content is None else (_created(path, public_key_of(content, path)),)

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """Hand out a key."""
        from anchorhold import pkcs8

        return pkcs8.dump_pkcs8(self._load(request, secrets))

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Remove the file of a key, and what is left of writing it."""
        return self._storage.delete(_path_of(request))

    def check_place(self) -> tuple[str, ...]:
        """Whether its storage is there, without a key: what protocol, packages, options and place allow.

        Returns:
            What could not be tried.

        Raises:
            PluginMissingError, SettingsError, BackendFailedError: It cannot be used.
        """
        return self._storage.check(self._options.path)

    @property
    def _encrypts(self) -> bool:
        """Whether a password for a new key is taken; one that stands in a variable for keys of CAs is not for OCSP."""
        return not isinstance(self._options, models.OcspOptions) or self._options.encrypt_private_key

    @cached_property
    def _storage(self) -> Storage:
        return self._open()

    def _store(self, key: PrivateKey, request: CreateKeyRequest | ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        from anchorhold_storages.keyfile import key_file

        path = _file_path(self._folder(request.options.get("path")), request.key_id)
        self._storage.write_new(path, key_file(key, secrets.get("password") if self._encrypts else None))
        return _created(path, key.public_key())

    def _load(self, request: KeyRequest, secrets: Secrets) -> PrivateKey:
        from anchorhold import pkcs8

        path = _path_of(request)
        subject = f"key backend {self._context.alias!r}, key of {request.ca.name!r}"
        content = self._storage.read(path)
        if content is None:
            raise KeyMissingError(
                f"{subject}: the file {path} is gone from storage {self._options.storage_alias!r}",
                hint="restore it from a backup",
            )
        password = secrets.require("password") if pkcs8.is_encrypted(content) else None
        return pkcs8.load_private_key(content, password, subject)

    def _folder(self, given: object) -> str:
        if not isinstance(given, str):
            return self._options.path
        try:
            return models.inside(given)
        except ValueError as error:
            raise InputError(f"path {given!r}: {error}", hint="name a folder below the storage") from error


def _file_path(folder: str, key_id: bytes) -> str:
    return f"{folder}/{key_id.hex()}.key"


def _path_of(request: KeyRequest) -> str:
    return str(request.handle.data["path"])


def _created(path: str, public_key: PublicKey) -> CreatedKey:
    return CreatedKey(handle=KeyHandle(version=HANDLE_VERSION, data={"path": path}), public_key=public_key)
