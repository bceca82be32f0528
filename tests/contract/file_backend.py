"""A small backend that keeps the whole contract: each key in a file of one folder, sealed with a password if given.

The faulty ones in `contract.faults` differ from it in one method each. (The files are sealed with one round of SHA-256,
which is quick and no protection: nothing but a test may do so.)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, ConfigDict

from anchorhold import pkcs8, software_keys
from anchorhold.errors import BackendFailedError, KeyExistsError, KeyMissingError, KeyUnsupportedError, SecretWrongError
from anchorhold.plugin import (
    API_VERSION,
    Capabilities,
    CreatedKey,
    KeyDescription,
    KeyHandle,
    ListedKey,
    OcspStore,
    Secret,
    hookimpl,
)
from anchorhold.public_keys import spki

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import (
        AddOption,
        BackendContext,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyRequest,
        Operation,
        Secrets,
        Signer,
        SignRequest,
    )

HANDLE_VERSION = 2
"""Version 1 had the whole name of the file under ``file``."""

KEY_FILE = re.compile(r"(?:[0-9a-f]{2})+\.key")


class FileOptions(BaseModel):
    """Options of the alias."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    folder: Path
    curves: tuple[str, ...] = ("secp256r1", "secp384r1")


class FileBackend:
    """Keeps the contract."""

    anchorhold_api = API_VERSION
    capabilities = Capabilities(
        key_types=("EC", "Ed25519"),
        curves=("secp256r1", "secp384r1", "secp521r1"),
        hashes=("SHA-256", "SHA-512"),
    )
    handle_version = HANDLE_VERSION
    Options: Any = FileOptions

    def __init__(self, options: FileOptions, context: BackendContext) -> None:
        self.options = options
        self.subject = f"key backend {context.alias!r}"

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """A password for each key; the id of a key to adopt."""
        add("password", help="Password of the private key.", secret=True, scope="key")
        if operation == "adopt":
            add("file-id", help="Id of the key to adopt.", scope="key")

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """Make a key, on a curve that the options offer."""
        self.check_offered(request.spec)
        return self.keep(software_keys.generate(request.spec), request.key_id, secrets)

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """Take a key."""
        key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        return self.keep(key, request.key_id, secrets)

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """Open a key."""
        return software_keys.SoftwareSigner(self.open(request, secrets))

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """Look for a key by its id, or by the id that the options give."""
        key_id = request.key_id or bytes.fromhex(str(request.options["file-id"]))
        content = self.read(self.path(key_id))
        if content is None:
            return ()
        public_key: Any = load_der_public_key(bytes.fromhex(content["public"]))
        return (self.created(key_id, public_key),)

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """Hand out a key."""
        return pkcs8.dump_pkcs8(self.open(request, secrets))

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """Remove a key."""
        try:
            self.path_of(request).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self.failed(error) from error
        return True

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Signer) -> list[Any]:
        """Make one signature after the other."""
        return [outcome(request, signer) for request in requests]

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        """What the folder has."""
        try:
            return tuple(map(self.listed, sorted(self.options.folder.iterdir())))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self.failed(error) from error

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        """Files do not tell where their key was made."""
        path = self.path_of(request)
        if self.read(path) is None:
            raise KeyMissingError(f"{self.subject}: the key is gone", hint="restore it from a backup")
        return KeyDescription(place=f"the file {path}", can_leave=True)

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Core makes a password for each key."""
        return OcspStore(generated=frozenset({"password"}))

    def check_offered(self, spec: KeySpec) -> None:
        """Refuse a curve that the options leave out."""
        if spec.curve not in (None, *self.options.curves):
            hint = f"choose from: {', '.join(self.options.curves)}"
            raise KeyUnsupportedError(f"{self.subject}: the curve {spec.curve} is not offered", hint=hint)

    def path(self, key_id: bytes) -> Path:
        """The file of a key id."""
        return self.options.folder / f"{key_id.hex()}.key"

    def path_of(self, request: KeyRequest) -> Path:
        """The file that a handle means."""
        data = request.handle.data
        return (
            self.options.folder / data["file"] if request.handle.version == 1 else self.path(bytes.fromhex(data["id"]))
        )

    def created(self, key_id: bytes, public_key: Any) -> CreatedKey:
        """The answer for a key."""
        return CreatedKey(handle=KeyHandle(version=HANDLE_VERSION, data={"id": key_id.hex()}), public_key=public_key)

    def listed(self, path: Path) -> ListedKey:
        """What is said of a file in a list."""
        key_id = bytes.fromhex(path.stem) if KEY_FILE.fullmatch(path.name) else None
        return ListedKey(name=f"the file {path}", key_id=key_id)

    def keep(self, key: Any, key_id: bytes, secrets: Secrets) -> CreatedKey:
        """Store a key."""
        self.write(self.path(key_id), self.sealed(key, secrets.get("password")))
        return self.created(key_id, key.public_key())

    def sealed(self, key: Any, password: Secret | None) -> dict[str, str]:
        """The content of a file."""
        private = pkcs8.dump_pkcs8(key).reveal_bytes()
        public = spki(key.public_key()).hex()
        if password is None:
            return {"public": public, "private": private.hex()}
        nonce = os.urandom(12)
        sealed = AESGCM(self.sealing_key(password)).encrypt(nonce, private, None)
        return {"public": public, "sealed": sealed.hex(), "nonce": nonce.hex()}

    def sealing_key(self, password: Secret) -> bytes:
        """What a file is sealed with."""
        return hashlib.sha256(password.reveal_bytes()).digest()

    def open(self, request: KeyRequest, secrets: Secrets) -> Any:
        """The private key."""
        content = self.read(self.path_of(request))
        if content is None:
            raise KeyMissingError(f"{self.subject}: the key is gone", hint="restore it from a backup")
        private = self.unsealed(content, secrets)
        return pkcs8.load_private_key(private, None, self.subject)

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        """The PKCS#8 in a file."""
        if "private" in content:
            return bytes.fromhex(content["private"])
        sealing_key = self.sealing_key(secrets.require("password"))
        try:
            return AESGCM(sealing_key).decrypt(bytes.fromhex(content["nonce"]), bytes.fromhex(content["sealed"]), None)
        except InvalidTag:
            raise SecretWrongError(f"{self.subject}: the password is wrong", hint="give the right one") from None

    def read(self, path: Path) -> dict[str, str] | None:
        """A file; None if there is none."""
        try:
            content: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.failed(error) from error
        return content

    def write(self, path: Path, content: dict[str, str]) -> None:
        """A new file, whole from the moment it has its name."""
        started = self.started(path)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with started.open("x") as file:
                file.write(json.dumps(content))
            try:
                self.place(started, path)
            finally:
                started.unlink(missing_ok=True)
        except FileExistsError:
            raise KeyExistsError(f"{self.subject}: the key exists already", hint="keys are never overwritten") from None
        except OSError as error:
            raise self.failed(error) from error

    def started(self, path: Path) -> Path:
        """What a new file is called until it is whole."""
        return path.with_suffix(f".{os.urandom(4).hex()}")

    def place(self, started: Path, path: Path) -> None:
        """Give a whole file its name, which never replaces another one."""
        os.link(started, path)

    def failed(self, error: OSError) -> BackendFailedError:
        """What is said when the folder cannot be used."""
        return BackendFailedError(f"{self.subject}: {error.strerror}", hint="check the folder in the settings")


def outcome(request: SignRequest, signer: Signer) -> Any:
    """A signature, or the error that the signer raises instead."""
    try:
        return signer.sign(request.message, request.algorithm)
    except Exception as error:
        return error


class WithoutDelete(FileBackend):
    """Keeps the contract as well: the hook is optional."""

    delete_key: Any = None
