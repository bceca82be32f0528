"""Faults of names: ids that are cut, found or deleted by a part of them, and handles that change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold import pkcs8, software_keys
from anchorhold.plugin import CreatedKey, KeyHandle, Secret, hookimpl
from anchorhold.public_keys import spec_of
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import CreateKeyRequest, FindKeyRequest, KeyRequest, Secrets, Signer


class CutsIds(FileBackend):
    """Calls a file after the first octets of an id."""

    def path(self, key_id: bytes) -> Path:
        return super().path(key_id[:8])


class CutsIdsInFront(FileBackend):
    """Calls a file after the last octets of an id."""

    def path(self, key_id: bytes) -> Path:
        return super().path(key_id[-8:])


class FindsByPrefix(FileBackend):
    """Looks for a key as people do, by the beginning of its id."""

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        if request.key_id is None:
            return super().find_key(request, secrets)
        ids = sorted(bytes.fromhex(path.stem) for path in self.options.folder.glob(f"{request.key_id.hex()[:16]}*.key"))
        exact = super().find_key(request, secrets)
        return super().find_key(replace(request, key_id=ids[0]), secrets) if ids else exact


class _DeletesAlike(FileBackend):
    """Removes all files that look like the one."""

    def alike(self, name: str) -> str:
        """A pattern of names for the name of a key."""
        raise NotImplementedError

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        was_there = super().delete_key(request, secrets)
        for path in self.options.folder.glob(self.alike(self.path_of(request).stem)) if was_there else ():
            path.unlink()
        return was_there


class DeletesByPrefix(_DeletesAlike):
    """Removes all files that begin like the one."""

    def alike(self, name: str) -> str:
        return f"{name[:16]}*.key"


class DeletesBySuffix(_DeletesAlike):
    """Removes all files that end like the one."""

    def alike(self, name: str) -> str:
        return f"*{name[-16:]}.key"


class WritesIntoTheHandle(FileBackend):
    """Notes in the handle that it has looked."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        data: Any = request.handle.data
        data["used"] = True
        return super().load_signer(request, secrets)


class MarksDeletedHandles(FileBackend):
    """Notes in the handle that the key is gone."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        was_there = super().delete_key(request, secrets)
        data: Any = request.handle.data
        data["deleted"] = was_there
        return was_there


class CountsInItsHandles(FileBackend):
    """Puts a dictionary into each handle that goes on changing."""

    counts: ClassVar[dict[str, int]] = {"keys": 0}

    def created(self, key_id: bytes, public_key: Any) -> CreatedKey:
        self.counts["keys"] += 1
        data = {"id": key_id.hex(), "counts": self.counts}
        return CreatedKey(handle=KeyHandle(version=2, data=data), public_key=public_key)


class _WithRsa(FileBackend):
    capabilities = replace(
        FileBackend.capabilities, key_types=("EC", "Ed25519", "RSA"), rsa_sizes=(2048, 3072), rsa_paddings=("pkcs1v15",)
    )


class RoundsRsaSizes(_WithRsa):
    """Makes an RSA key of the nearest usual size."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        size = request.spec.size
        spec = request.spec if size is None else replace(request.spec, size=round(size / 1024) * 1024)
        return super().create_key(replace(request, spec=spec), secrets)


class FailsWithUnusualRsaSizes(_WithRsa):
    """Fails somehow with an RSA key of a size that it does not know."""

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        if request.spec.size not in (None, 2048, 3072):
            raise ValueError(request.spec.size)
        return super().create_key(request, secrets)


class ExportsOnlyItsOwn(FileBackend):
    """Makes another key for whoever wants one back that was imported."""

    imported: ClassVar[set[str]] = set()

    @hookimpl
    def import_key(self, request: Any, secrets: Secrets) -> CreatedKey:
        self.imported.add(request.key_id.hex())
        return super().import_key(request, secrets)

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        exported = super().export_key(request, secrets)
        if request.handle.data["id"] not in self.imported:
            return exported
        return pkcs8.dump_pkcs8(software_keys.generate(spec_of(request.public_key)))


class ExportsImportedKeysAsTheyCame(FileBackend):
    """Hands an imported key out in DER, as a store may keep it."""

    imported: ClassVar[set[str]] = set()

    @hookimpl
    def import_key(self, request: Any, secrets: Secrets) -> CreatedKey:
        self.imported.add(request.key_id.hex())
        return super().import_key(request, secrets)

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        exported = super().export_key(request, secrets)
        if request.handle.data["id"] not in self.imported:
            return exported
        return Secret("".join(exported.reveal().splitlines()[1:-1]))
