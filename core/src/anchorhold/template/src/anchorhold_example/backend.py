"""The key backend ``example``: keys as octets in a folder. Put your own store in the place of the folder.

The base class has all hooks, which `anchorhold.plugin.hookspecs` documents; override one to do it your own way.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from anchorhold.errors import BackendFailedError, KeyExistsError
from anchorhold.plugin import Capabilities, Pkcs8Backend

if TYPE_CHECKING:
    from anchorhold.plugin import BackendContext, KeyEntry


class ExampleBackend(Pkcs8Backend):
    """Keeps each key in a separate file, named after the id that core has drawn for it.

    Args:
        options: Of the alias, from the settings.
        context: Names the alias.
    """

    capabilities = Capabilities()  # an upper bound: narrow it to the keys that you want to have
    handle_version = 1  # raise it when you change what is in a handle, and go on reading the old ones

    class Options(BaseModel, extra="forbid"):
        """``key_backends.<alias>.options`` in the settings."""

        folder: Path

    def __init__(self, options: Options, context: BackendContext) -> None:
        super().__init__(options, context)
        self._folder = options.folder

    def read(self, entry: KeyEntry) -> bytes | None:
        """The content of a file; None if there is no such file."""
        path = self._path(entry)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(path, "cannot be read", error) from error

    def write_new(self, entry: KeyEntry, content: bytes) -> None:
        """A new file with its final mode from its first moment: whole or not at all, and never in place of another."""
        path = self._path(entry)
        temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        """Give a file its name; unlike renaming, this never replaces another one."""
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise KeyExistsError(f"{self.subject}: {path} exists already", hint="it is left as it is") from None

    def delete(self, entry: KeyEntry) -> bool:
        """Remove a file; False if there was none."""
        path = self._path(entry)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failed(path, "cannot be removed", error) from error
        return True

    def _path(self, entry: KeyEntry) -> Path:
        return self._folder / f"{entry.name}.key"

    def _failed(self, path: Path, what: str, error: OSError) -> BackendFailedError:
        return BackendFailedError(f"{self.subject}: {path} {what} ({error.strerror})", hint="check the folder")
