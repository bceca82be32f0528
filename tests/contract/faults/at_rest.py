"""Faults of what is kept: private keys in plain, files that everybody reads, questions that nobody expects."""

from __future__ import annotations

import getpass
import hashlib
import json
import tempfile
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anchorhold import pkcs8
from anchorhold.errors import SecretMissingError, SecretWrongError
from anchorhold.plugin import CreatedKey, KeyHandle, Secret, hookimpl
from anchorhold.public_keys import spki
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import CreateKeyRequest, ImportKeyRequest, KeyRequest, Secrets


class OnlyComparesPasswords(FileBackend):
    """Keeps keys in plain beside the hash of a password."""

    def sealed(self, key: Any, password: Secret | None) -> dict[str, str]:
        content = {"public": spki(key.public_key()).hex(), "kept": pkcs8.dump_pkcs8(key).reveal()}
        return content if password is None else {**content, "check": self.sealing_key(password).hex()}

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        if "check" in content and self.sealing_key(secrets.require("password")).hex() != content["check"]:
            raise SecretWrongError(f"{self.subject}: the password is wrong", hint="give the right one")
        return content["kept"].encode()


class OnlyHidesKeys(OnlyComparesPasswords):
    """The same, in hex within base64, which is not encryption."""

    def write(self, path: Path, content: dict[str, str]) -> None:
        super().write(path, {**content, "kept": content["kept"].encode().hex()})

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        return super().unsealed({**content, "kept": bytes.fromhex(content["kept"]).decode()}, secrets)


class LeavesAPlainKey(FileBackend):
    """Writes a key into the temporary folder before it encrypts it, and leaves it there."""

    def sealed(self, key: Any, password: Secret | None) -> dict[str, str]:
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(pkcs8.dump_pkcs8(key).reveal())
        return super().sealed(key, password)


class KeepsWhatItImports(FileBackend):
    """Leaves the input of an import beside the key."""

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        created = super().import_key(request, secrets)
        with self.path(request.key_id).with_suffix(".pem").open("wb") as file:
            file.write(request.pkcs8.reveal_bytes())
        return created


class KeepsWhatItExports(FileBackend):
    """Keeps a copy of each key that it has handed out."""

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        exported = super().export_key(request, secrets)
        self.path_of(request).with_suffix(".json").write_text(json.dumps({"exported": exported.reveal()}))
        return exported


class KeyInHandle(FileBackend):
    """Has the private key itself in its handle."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        created = super().create_key(request, secrets)
        content = json.loads(self.path(request.key_id).read_text())
        data = {**created.handle.data, "copy": self.unsealed(content, secrets).decode()}
        return replace(created, handle=KeyHandle(version=2, data=data))


class FilesForEverybody(FileBackend):
    """Makes a folder and files with the modes that they have by themselves."""

    def write(self, path: Path, content: dict[str, str]) -> None:
        try:
            path.parent.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise self.failed(error) from error
        super().write(path, content)


class FilesThatEverybodyWrites(FileBackend):
    """Opens a folder to everybody, for another service is to read the keys."""

    def write(self, path: Path, content: dict[str, str]) -> None:
        super().write(path, content)
        path.chmod(0o666)
        path.parent.chmod(0o711)


class AsksForThePassword(FileBackend):
    """Asks at the terminal if it is given no password."""

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        try:
            return super().unsealed(content, secrets)
        except SecretMissingError:
            with suppress(Exception):  # there is no terminal
                return super().unsealed(content, _Typed(getpass.getpass()))  # type: ignore[arg-type]  # all that is used of it
            raise


class AsksByInput(FileBackend):
    """Asks whether to make a key, and takes no answer for a yes."""

    def sealing_key(self, password: Secret) -> bytes:
        with suppress(Exception):
            input("Go on? ")
        return hashlib.sha256(password.reveal_bytes()).digest()


class _Typed:
    """A password from the terminal."""

    def __init__(self, password: str) -> None:
        self._password = Secret(password)

    def require(self, _name: str) -> Secret:
        return self._password
