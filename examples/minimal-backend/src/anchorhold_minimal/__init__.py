"""Key backend ``minimal``: each private key is a PKCS#8 file in one folder. To read, copy and change."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import BaseModel

from anchorhold import plugin
from anchorhold.errors import BackendFailedError, KeyExistsError


class MinimalBackend(plugin.Pkcs8Backend):
    """Keeps the key with the id ``…`` in the file ``<folder>/…``, mode 0600."""

    class Options(BaseModel, extra="forbid"):
        """``key_backends.<alias>.options`` in the settings."""

        folder: Path

    def __init__(self, options: Options, context: plugin.BackendContext) -> None:
        super().__init__(options, context)
        self._folder = options.folder.expanduser()

    def read(self, entry: plugin.KeyEntry) -> bytes | None:
        """The content of a file."""
        path = self._folder / entry.name
        with self._explained():
            there = path in self._folder.iterdir()  # a folder that is away is an error, not an empty one
            return path.read_bytes() if there else None

    def write_new(self, entry: plugin.KeyEntry, content: bytes) -> None:
        """Write under another name first: the key appears whole or not at all, and replaces nothing."""
        with self._explained(), NamedTemporaryFile(dir=self._folder) as file:  # mode 0600
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, self._folder / entry.name)

    def delete(self, entry: plugin.KeyEntry) -> bool:
        """Remove a file."""
        path = self._folder / entry.name
        with self._explained():
            there = path in self._folder.iterdir()
            path.unlink(missing_ok=True)
        return there

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError as error:
            raise KeyExistsError(f"{error.filename2}: exists already", hint="move it away") from error
        except OSError as error:
            problem, hint = f"{self._folder}: {error.strerror}", "name a folder that this account can read and write"
            raise BackendFailedError(problem, hint=hint) from error
