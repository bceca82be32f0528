"""The key backend ``example``: the hooks are documented in `anchorhold.seam.hookspecs`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from anchorhold.errors import BackendFailedError, KeyExistsError, KeyMissingError, OperationUnsupportedError
from anchorhold.seam import Capabilities, CreatedKey, KeyHandle, OcspStore, hookimpl

if TYPE_CHECKING:
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

PUBLIC = b"-----BEGIN PUBLIC KEY-----"
"""Begins the public half, which stands behind the private one in a file."""
HANDLE_VERSION = 1
"""Raise it when you change what is in a handle, and go on reading the old ones."""


class ExampleBackend:
    """Keeps each key in a file of its own, named after the id that core has drawn for it.

    Args:
        options: Of the alias, from the settings.
        context: Names the alias.
    """

    anchorhold_api = 1
    capabilities = Capabilities()  # an upper bound: narrow it to what your place for keys can do
    handle_version = HANDLE_VERSION

    class Options(BaseModel, extra="forbid"):
        """``key_backends.<alias>.options`` in the settings."""

        folder: Path

    def __init__(self, options: Options, context: BackendContext) -> None:
        self._folder = options.folder
        self._who = f"key backend {context.alias!r}"

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """Every key has a password of its own, or none."""
        new = operation in ("create", "import")
        text = "Encrypt the private key with this password." if new else "Password of the private key."
        add("password", help=text, secret=True, scope="key")

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Make a key and store it; never replace another one."""
        from anchorhold import softkeys  # here, because each command that shows options imports this module

        return self._store(softkeys.generate(request.spec), request, secrets)

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """Store a key from elsewhere."""
        from anchorhold import pkcs8

        return self._store(pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, self._who), request, secrets)

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Lend a key."""
        from anchorhold.softkeys import SoftwareSigner

        return SoftwareSigner(self._load(request, secrets))

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """Hand out a key; leave this hook out where keys cannot leave."""
        from anchorhold import pkcs8

        return pkcs8.dump_pkcs8(self._load(request, secrets))

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Find the key of an id again, without its password: its public half is in the file too."""
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if request.key_id is None:
            raise OperationUnsupportedError(
                f"{self._who}: keeps no keys but its own, so there is none to adopt", hint="import it from a file"
            )
        name = request.key_id.hex()
        content = self._read(name)
        if content is None:
            return ()
        return (_created(name, load_pem_public_key(content[content.index(PUBLIC) :])),)

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Destroy a key."""
        path = self._path(str(request.handle.data["name"]))
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failed(path, "cannot be removed", error) from error
        return True

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Keys of OCSP responders have random passwords, which core keeps in the ledger."""
        return OcspStore(generated=frozenset({"password"}))

    def _store(self, key: PrivateKey, request: CreateKeyRequest | ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        from anchorhold import pkcs8

        name, public_key = request.key_id.hex(), key.public_key()
        private = pkcs8.dump_pkcs8(key, secrets.get("password")).reveal_bytes()
        public = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._write(self._path(name), private + public)
        return _created(name, public_key)

    def _load(self, request: KeyRequest, secrets: Secrets) -> PrivateKey:
        from anchorhold import pkcs8

        subject = f"{self._who}, key of {request.ca.name!r}"
        content = self._read(str(request.handle.data["name"]))
        if content is None:
            raise KeyMissingError(f"{subject}: its file is gone", hint="restore it from a backup")
        private = content[: content.index(PUBLIC)]
        password = secrets.require("password") if pkcs8.is_encrypted(private) else None
        return pkcs8.load_private_key(private, password, subject)

    def _read(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(path, "cannot be read", error) from error

    def _write(self, path: Path, content: bytes) -> None:
        """A new file with its final mode from its first moment, whole or not at all."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                self._link(temporary, path)
            finally:
                temporary.unlink()
        except OSError as error:
            raise self._failed(path, "cannot be written", error) from error

    def _link(self, temporary: Path, path: Path) -> None:
        """Give a file its name, which never replaces another one."""
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise KeyExistsError(f"{self._who}: {path} exists already", hint="it is left as it is") from None

    def _failed(self, path: Path, what: str, error: OSError) -> BackendFailedError:
        return BackendFailedError(f"{self._who}: {path} {what} ({error.strerror})", hint="see to the folder")

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.key"


def _created(name: str, public_key: Any) -> CreatedKey:
    return CreatedKey(handle=KeyHandle(version=HANDLE_VERSION, data={"name": name}), public_key=public_key)
