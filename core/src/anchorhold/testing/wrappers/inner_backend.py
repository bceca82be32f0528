"""The key backend inside the wrapper that is tested: keys in files, and told what to do next."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel

from anchorhold.errors import KeyExistsError
from anchorhold.plugin import BACKENDS_GROUP, Capabilities, Pkcs8Backend, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import (
        Algorithm,
        BackendContext,
        CreatedKey,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyEntry,
        KeyRequest,
        OcspStore,
        Secret,
        Secrets,
        Signer,
    )
    from anchorhold.public_keys import PublicKey

T = TypeVar("T")

TYPE: Final = "inside-a-wrapper"
"""The type of this key backend, while a contract runs."""
OFFERED: Final = Capabilities(key_types=("EC",), curves=("secp256r1",), hashes=("SHA-256",))


@dataclass
class Script:
    """What the backend is told to do, and what it has done.

    Attributes:
        failure: What the next hook or signature raises; None to do what it is asked.
        meanwhile: Called with each message before it is signed.
        signed: Messages that were signed.
        answers: The last answer of each hook.
    """

    failure: BaseException | None = None
    meanwhile: Callable[[bytes], None] | None = None
    signed: list[bytes] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def answer(self, hook: str, work: Callable[[], T]) -> T:
        """Do what a hook is asked, or raise."""
        self._fail()
        answer = work()
        self.answers[hook] = answer
        return answer

    def sign(self, message: bytes, work: Callable[[], bytes]) -> bytes:
        """Make a signature, or raise."""
        self._fail()
        if self.meanwhile is not None:
            self.meanwhile(message)
        self.signed.append(message)
        return work()

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class ScriptedSigner:
    """A signer that does what the script says.

    Args:
        signer: Signs.
        script: Of the backend.
    """

    def __init__(self, signer: Signer, script: Script) -> None:
        self._signer = signer
        self._script = script

    @property
    def public_key(self) -> PublicKey:
        """Of the key."""
        return self._signer.public_key

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """Sign, or raise."""
        return self._script.sign(message, lambda: self._signer.sign(message, algorithm))

    def close(self) -> None:
        """Close it."""
        self._signer.close()


class InnerBackend(Pkcs8Backend):
    """Keys in files of one folder.

    Args:
        options: The folder.
        context: Names the alias.

    Attributes:
        script: What it is told.
    """

    capabilities = OFFERED

    class Options(BaseModel, extra="forbid"):
        """``key_backends.<alias>.options``."""

        folder: Path

    def __init__(self, options: Options, context: BackendContext) -> None:
        super().__init__(options, context)
        self.script = Script()
        self._folder = options.folder

    def read(self, entry: KeyEntry) -> bytes | None:
        """The content of a file."""
        path = self._path(entry)
        return path.read_bytes() if path.exists() else None

    def write_new(self, entry: KeyEntry, content: bytes) -> None:
        """A new file."""
        path = self._path(entry)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            raise KeyExistsError(f"{entry.subject}: exists already", hint="it is left as it is") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)

    def delete(self, entry: KeyEntry) -> bool:
        """Remove a file."""
        path = self._path(entry)
        found = path.exists()
        path.unlink(missing_ok=True)
        return found

    def _path(self, entry: KeyEntry) -> Path:
        return self._folder / f"{entry.name}.key"

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """As the base, or as the script says; like all below."""
        work = super().create_key
        return self.script.answer("create_key", lambda: work(request, secrets))

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """A signer that follows the script, too."""
        work = super().load_signer
        return self.script.answer("load_signer", lambda: ScriptedSigner(work(request, secrets), self.script))

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """As the base."""
        return self.script.answer("ocsp_store", super().ocsp_store)

    @hookimpl
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """As the base."""
        work = super().find_key
        return self.script.answer("find_key", lambda: work(request, secrets))

    @hookimpl
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """As the base."""
        work = super().import_key
        return self.script.answer("import_key", lambda: work(request, secrets))

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """As the base."""
        work = super().export_key
        return self.script.answer("export_key", lambda: work(request, secrets))

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """As the base."""
        work = super().delete_key
        return self.script.answer("delete_key", lambda: work(request, secrets))


def offer(site: Path) -> None:
    """Offer this backend to all who have a folder on their path: nothing but the metadata of a distribution."""
    metadata = site / "anchorhold_inside_a_wrapper-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    metadata.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: anchorhold-inside-a-wrapper\nVersion: 1.0\n")
    points = f"[{BACKENDS_GROUP}]\n{TYPE} = {InnerBackend.__module__}:{InnerBackend.__name__}\n"
    metadata.joinpath("entry_points.txt").write_text(points)
