"""Faults of passwords: they protect nothing, or are shown."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold import pkcs8, software_keys
from anchorhold.errors import SecretWrongError
from anchorhold.plugin import CreatedKey, KeyHandle, Secret, hookimpl
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from anchorhold.plugin import AddOption, CreateKeyRequest, ImportKeyRequest, KeyRequest, Operation, Secrets, Signer


class AcceptsWrongPassword(FileBackend):
    """Seals every file with the same key."""

    def sealing_key(self, password: Secret) -> bytes:
        return bytes(32)


class RemembersPassword(FileBackend):
    """Opens a key with the password of last time if none is given."""

    last: ClassVar[dict[str, bytes]] = {}

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        private = content["public"]
        if secrets.get("password") is None and private in self.last:
            return self.last[private]
        self.last[private] = super().unsealed(content, secrets)
        return self.last[private]


class EmptyPasswordIsNone(FileBackend):
    """Declares its password so that core cannot know that it is one for new keys: an empty one leaves a key plain."""

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        add("password", help="Password of the private key.", secret=True, scope="alias")
        if operation == "adopt":
            add("file-id", help="Id of the key to adopt.", scope="key")


class ImportsPlain(FileBackend):
    """Does not seal what it imports."""

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        self.write(self.path(request.key_id), self.sealed(key, None))
        return self.created(request.key_id, key.public_key())


class _Telling(software_keys.SoftwareSigner):
    """A signer that knows the password."""

    def __init__(self, key: software_keys.PrivateKey, password: Secret | None) -> None:
        super().__init__(key)
        self.password = password.reveal() if password else ""


class _TellsByRepr(_Telling):
    def __repr__(self) -> str:
        return f"<signer opened with {self.password}>"


class _TellsByPickle(_Telling):
    def __reduce__(self) -> tuple[Any, ...]:
        return dict, ({"password": self.password},)


class PasswordInRepr(FileBackend):
    """Lends a signer whose repr shows the password."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _TellsByRepr(self.open(request, secrets), secrets.get("password"))


class PasswordInPickle(FileBackend):
    """Lends a signer that takes the password with it when it is pickled."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _TellsByPickle(self.open(request, secrets), secrets.get("password"))


class PasswordInHandle(FileBackend):
    """Puts the password into the handle."""

    def keep(self, key: Any, key_id: bytes, secrets: Secrets) -> CreatedKey:
        created = super().keep(key, key_id, secrets)
        password = secrets.get("password")
        data = {**created.handle.data, "password": password.reveal() if password else ""}
        return replace(created, handle=KeyHandle(version=2, data=data))


class GeneratedPasswordInHandle(FileBackend):
    """Puts the password of a responder's key into its handle, where it is at hand when nobody is."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        created = super().create_key(request, secrets)
        if request.role != "ocsp":
            return created
        data = {**created.handle.data, "password": secrets.require("password").reveal()}
        return replace(created, handle=KeyHandle(version=2, data=data))


class PasswordInError(FileBackend):
    """Says which password is wrong."""

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        try:
            return super().unsealed(content, secrets)
        except SecretWrongError:
            password = secrets.require("password").reveal()
            raise SecretWrongError(f"{self.subject}: the password {password} is wrong", hint="give another") from None


class PasswordInCause(FileBackend):
    """Passes on the error of a library that says which password is wrong."""

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        try:
            return super().unsealed(content, secrets)
        except SecretWrongError as error:
            raise error from ValueError(secrets.require("password").reveal())


class PasswordInLog(FileBackend):
    """Logs what it opens keys with."""

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        logging.getLogger(__name__).debug("opening a key with %s", secrets.require("password").reveal())
        return super().unsealed(content, secrets)


class ImportedKeyInLog(FileBackend):
    """Logs what it imports."""

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        print(request.pkcs8.reveal())
        return super().import_key(request, secrets)


class ExportInLog(FileBackend):
    """Prints what it hands out."""

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        exported = super().export_key(request, secrets)
        print(exported.reveal())
        return exported


class PasswordOnDescriptor(FileBackend):
    """Complains as a library in C does, past `sys.stderr`."""

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        os.write(2, secrets.require("password").reveal_bytes())
        return super().unsealed(content, secrets)


class PasswordInQuietLogger(FileBackend):
    """Has a logger of its own, which passes nothing on to others and was told to be quiet."""

    log: ClassVar[logging.Logger] = logging.getLogger(f"{__name__}.quiet")
    log.propagate = False
    log.setLevel(logging.ERROR)

    def unsealed(self, content: dict[str, str], secrets: Secrets) -> bytes:
        self.log.debug("opening a key with %s", secrets.require("password").reveal())
        return super().unsealed(content, secrets)
