"""Faults of where keys are: folders, handles, deleted keys, processes."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import time
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold import software_keys
from anchorhold.errors import BackendFailedError, KeyMissingError
from anchorhold.plugin import CreatedKey, KeyHandle, hookimpl
from contract.file_backend import FileBackend, FileOptions

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import CreateKeyRequest, ImportKeyRequest, KeyRequest, Secrets, Signer


class SharesItsFolder(FileBackend):
    """Ignores its options, so that two aliases have the same keys."""

    def path(self, key_id: bytes) -> Path:
        return self.options.folder.parent / "keys" / f"{key_id.hex()}.key"


class CachesForAllAliases(FileBackend):
    """Remembers open keys by id and password for the whole process, whichever alias they are of."""

    opened: ClassVar[dict[tuple[str, str], tuple[Path, Any]]] = {}

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        password = secrets.get("password")
        name = self.path_of(request).name, password.reveal() if password else ""
        if name not in self.opened or not self.opened[name][0].exists():
            self.opened[name] = self.path_of(request), self.open(request, secrets)
        return software_keys.SoftwareSigner(self.opened[name][1])


class KeepsKeysOfResponders(FileBackend):
    """Destroys no key of an OCSP responder."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        return request.role != "ocsp" and super().delete_key(request, secrets)


class KeysOfRespondersInMemory(FileBackend):
    """Keeps the keys of OCSP responders in the process that makes them."""

    keys: ClassVar[dict[Path, Any]] = {}

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        if request.role != "ocsp":
            return super().create_key(request, secrets)
        key = self.keys[self.path(request.key_id)] = software_keys.generate(request.spec)
        return self.created(request.key_id, key.public_key())

    def open(self, request: KeyRequest, secrets: Secrets) -> Any:
        return self.keys.get(self.path_of(request)) or super().open(request, secrets)

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        remembered = self.keys.pop(self.path_of(request), None)
        return remembered is not None or super().delete_key(request, secrets)


class OneTemporaryName(FileBackend):
    """Has one name for all files that are not whole yet, so that one key at a time can be made."""

    def started(self, path: Path) -> Path:
        return path.with_name("started")


class HandleIsNotJson(FileBackend):
    """Puts a date into the handle."""

    def created(self, key_id: bytes, public_key: Any) -> CreatedKey:
        data = {"id": key_id.hex(), "made": dt.datetime.now(tz=dt.UTC)}
        return CreatedKey(handle=KeyHandle(version=2, data=data), public_key=public_key)


class HandleWithoutVersion(FileBackend):
    """Counts versions of the handle from 0."""

    def created(self, key_id: bytes, public_key: Any) -> CreatedKey:
        return CreatedKey(handle=KeyHandle(version=0, data={"id": key_id.hex()}), public_key=public_key)


class HandleOfTomorrow(FileBackend):
    """Raises the version of its handles and forgets to say that it reads them."""

    handle_version = 1


class HandleChanges(FileBackend):
    """Gives a key another handle each time that it is found."""

    numbers: ClassVar[itertools.count[int]] = itertools.count()

    def created(self, key_id: bytes, public_key: Any) -> CreatedKey:
        data = {"id": key_id.hex(), "number": next(self.numbers)}
        return CreatedKey(handle=KeyHandle(version=2, data=data), public_key=public_key)


class HandleOfThisProcess(FileBackend):
    """Knows the file of a key only in the process that has made or found it."""

    files: ClassVar[set[Path]] = set()

    def created(self, key_id: bytes, public_key: Any) -> CreatedKey:
        self.files.add(self.path(key_id))
        return super().created(key_id, public_key)

    def path_of(self, request: KeyRequest) -> Path:
        path = super().path_of(request)
        return path if path in self.files else path.with_suffix(".unknown")


class ForgetsOldHandles(FileBackend):
    """Reads only handles of the newest version."""

    def path_of(self, request: KeyRequest) -> Path:
        return self.path(bytes.fromhex(request.handle.data["id"]))


class RemembersKeys(FileBackend):
    """Lends a signer for a key that it had once, whether it is still there or not."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        remembered: dict[str, Any] = self.__dict__.setdefault("remembered", {})
        path = str(self.path_of(request))
        if path not in remembered:
            remembered[path] = self.open(request, secrets)
        return software_keys.SoftwareSigner(remembered[path])


class KeyLeftAfterDelete(FileBackend):
    """Moves a deleted key to where it is not looked for."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        path = self.path_of(request)
        if not path.exists():
            return False
        path.rename(path.with_suffix(".old.key"))
        return True


class OnlySaysItDeletes(FileBackend):
    """Says that it has deleted a key, and leaves it."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        return self.path_of(request).exists()


class AlwaysSaysItDeleted(FileBackend):
    """Says that the key was there when it was not."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        super().delete_key(request, secrets)
        return self.path_of(request).parent.exists() and len(request.handle.data) > 0


class DeletesTooMuch(FileBackend):
    """Empties the folder."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        was_there = super().delete_key(request, secrets)
        for path in self.options.folder.glob("*.key") if was_there else ():
            path.unlink()
        return was_there


class BreaksAfterFork(FileBackend):
    """Works only in the process that has constructed it."""

    def __init__(self, options: FileOptions, context: Any) -> None:
        super().__init__(options, context)
        self.process = os.getpid()

    def read(self, path: Path) -> dict[str, str] | None:
        if os.getpid() != self.process:
            raise KeyMissingError(f"{self.subject}: the session is lost", hint="start again")
        return super().read(path)


class HalfAKeyWhenKilled(FileBackend):
    """Writes a key under its name bit by bit."""

    def write(self, path: Path, content: dict[str, str]) -> None:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise self.failed(error) from error
        if path.exists():
            super().write(path, content)  # refuses
        with path.open("w") as file:
            file.write(json.dumps(content))


class OrphanWhenKilled(FileBackend):
    """Stores a key under a name of its own first, where nothing finds it if the process is killed."""

    def write(self, path: Path, content: dict[str, str]) -> None:
        started = path.with_name(f"{os.urandom(8).hex()}.key")
        super().write(started, content)
        try:
            super().write(path, content)
        finally:
            started.unlink()


class UnreachableIsEmpty(FileBackend):
    """Takes a folder that cannot be read for one without keys."""

    def read(self, path: Path) -> dict[str, str] | None:
        return super().read(path) if path.parent.is_dir() else None


class DeletesWhatItCannotReach(FileBackend):
    """Says that there was no key where it could not look."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        try:
            return super().delete_key(request, secrets)
        except BackendFailedError:
            return False


class WaitsForWhatItCannotReach(FileBackend):
    """Takes a quarter of a minute to find out that nothing is there."""

    def failed(self, error: OSError) -> BackendFailedError:
        time.sleep(15)
        return super().failed(error)


class ImportsBlindly(FileBackend):
    """Fails somehow when it imports to a place that cannot be reached."""

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        if not self.options.folder.parent.is_dir():
            raise RuntimeError("no folder")
        return super().import_key(request, secrets)
