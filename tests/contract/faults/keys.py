"""Faults of making, importing, finding and handing out keys."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import KeyUnsupportedError
from anchorhold.plugin import CreatedKey, Secret, hookimpl
from anchorhold.public_keys import spec_of
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import CreateKeyRequest, FindKeyRequest, ImportKeyRequest, KeyRequest, Secrets


class AnotherPublicKey(FileBackend):
    """Answers with the public key of another key than it has stored."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        created = super().create_key(request, secrets)
        return replace(created, public_key=software_keys.generate(request.spec).public_key())


class SameKeyEachTime(FileBackend):
    """Makes one key and stores it again and again."""

    made: ClassVar[dict[KeySpec, Any]] = {}

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        self.check_offered(request.spec)
        key = self.made.setdefault(request.spec, software_keys.generate(request.spec))
        return self.keep(key, request.key_id, secrets)


class AnotherCurve(FileBackend):
    """Makes a key on P-256 whatever curve was asked for."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        self.check_offered(request.spec)
        spec = key_spec("EC") if request.spec.type == "EC" else request.spec
        return super().create_key(replace(request, spec=spec), secrets)


class CurveThatDoesNotWork(FileBackend):
    """Declares a curve that it cannot make keys on."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        if request.spec.curve == "secp384r1":
            raise KeyUnsupportedError(f"{self.subject}: the curve is not offered", hint="choose secp256r1")
        return super().create_key(request, secrets)


class MakesWhatItDoesNotOffer(FileBackend):
    """Makes keys on curves that the options leave out."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        return self.keep(software_keys.generate(request.spec), request.key_id, secrets)


class KeepsWhatItRefuses(FileBackend):
    """Finds out that a curve is not offered when the key is stored already."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        created = self.keep(software_keys.generate(request.spec), request.key_id, secrets)
        self.check_offered(request.spec)
        return created


class OverwritesKeys(FileBackend):
    """Makes room for a new key by removing the one with its id."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        if self.path(request.key_id).is_file():
            self.path(request.key_id).unlink()
        return super().create_key(request, secrets)


class LooksFirst(FileBackend):
    """Looks whether a key is there, and if not puts the new one in its place."""

    def place(self, started: Path, path: Path) -> None:
        if path.exists():
            raise FileExistsError
        time.sleep(0.01)  # as long as a store on another host takes to answer
        started.replace(path)


class ImportOverwrites(FileBackend):
    """Makes room for an imported key by removing the one with its id."""

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        if self.path(request.key_id).is_file():
            self.path(request.key_id).unlink()
        return super().import_key(request, secrets)


class ImportStoresAnother(FileBackend):
    """Makes a key of the same kind instead of storing the one that it is given."""

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        given = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        return self.keep(software_keys.generate(spec_of(given.public_key())), request.key_id, secrets)


class ImportIgnoresId(FileBackend):
    """Stores an imported key under an id of its own."""

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        return super().import_key(replace(request, key_id=os.urandom(20)), secrets)


class ExportsEncrypted(FileBackend):
    """Hands out a key that nobody can read."""

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        return pkcs8.dump_pkcs8(self.open(request, secrets), secrets.get("password"))


class ExportsWhatItRemembers(FileBackend):
    """Keeps a copy of each key that it has handed out once, for whoever asks next."""

    copies: ClassVar[dict[str, Secret]] = {}

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        name = str(self.path_of(request))
        if name not in self.copies:
            self.copies[name] = super().export_key(request, secrets)
        return self.copies[name]


class FindsNothing(FileBackend):
    """Does not find its keys by their ids."""

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        found = super().find_key(request, secrets)
        return found if request.key_id is None else ()


class FindsAnything(FileBackend):
    """Answers with some key where it has not found the right one."""

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        others = [bytes.fromhex(path.stem) for path in self.options.folder.glob("*.key")]
        found = super().find_key(request, secrets)
        return found or super().find_key(replace(request, key_id=others[0]), secrets) if others else found


class AdoptsAnything(FileBackend):
    """Takes all keys for the one that the options describe."""

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        if request.key_id is not None:
            return super().find_key(request, secrets)
        ids = [bytes.fromhex(path.stem) for path in self.options.folder.glob("*.key")]
        return tuple(found for key_id in ids for found in super().find_key(replace(request, key_id=key_id), secrets))
