"""Key backend ``minimal``: each private key is a plain PKCS#8 file in one folder. To read, copy and change."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import BaseModel

from anchorhold import pkcs8, seam, softkeys
from anchorhold.errors import BackendFailedError, KeyExistsError, KeyMissingError, OperationUnsupportedError


class MinimalBackend:
    """Keeps the key with the id ``…`` in the file ``<folder>/….pem``, mode 0600 and not encrypted."""

    anchorhold_api = 1

    class Options(BaseModel, extra="forbid"):
        """``key_backends.<alias>.options`` in the settings."""

        folder: Path

    def __init__(self, options: Options, context: seam.BackendContext) -> None:
        self._folder = options.folder.expanduser()

    @seam.hookimpl
    def create_key(self, request: seam.CreateKeyRequest, secrets: seam.Secrets) -> seam.CreatedKey:
        """Write a new key under another name first: it appears whole or not at all, and replaces nothing."""
        key, path = softkeys.generate(request.spec), self._path(request.key_id)
        with self._explained(), NamedTemporaryFile(dir=self._folder) as file:  # mode 0600
            file.write(pkcs8.dump_pkcs8(key).reveal_bytes())
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
        return _created(path, key)

    @seam.hookimpl
    def load_signer(self, request: seam.KeyRequest, secrets: seam.Secrets) -> seam.Signer:
        """Read the key that the handle names."""
        path = self._folder / request.handle.data["name"]
        for key in self._read(path):
            return softkeys.SoftwareSigner(key)
        raise KeyMissingError(f"{path}: the private key is gone", hint="restore the file from a backup")

    @seam.hookimpl
    def find_key(self, request: seam.FindKeyRequest, secrets: seam.Secrets) -> tuple[seam.CreatedKey, ...]:
        """Find a key by its id, which is its name."""
        if request.key_id is None:
            raise OperationUnsupportedError("minimal: there is nothing to adopt here", hint="use import-ca")
        path = self._path(request.key_id)
        return tuple(_created(path, key) for key in self._read(path))

    @seam.hookimpl
    def delete_key(self, request: seam.KeyRequest, secrets: seam.Secrets) -> bool:
        """Remove the file."""
        path = self._folder / request.handle.data["name"]
        with self._explained():
            there = path in self._folder.iterdir()
            path.unlink(missing_ok=True)
        return there

    def _path(self, key_id: bytes) -> Path:
        return self._folder / f"{key_id.hex()}.pem"

    def _read(self, path: Path) -> list[softkeys.PrivateKey]:
        with self._explained():
            there = path in self._folder.iterdir()  # a folder that is away is an error, not an empty one
            return [pkcs8.load_private_key(path.read_bytes(), None, str(path))] if there else []

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError as error:
            raise KeyExistsError(f"{error.filename2}: is there already", hint="move it away") from error
        except OSError as error:
            problem, hint = f"{self._folder}: {error.strerror}", "name a folder that this account can read and write"
            raise BackendFailedError(problem, hint=hint) from error


def _created(path: Path, key: softkeys.PrivateKey) -> seam.CreatedKey:
    return seam.CreatedKey(handle=seam.KeyHandle(version=1, data={"name": path.name}), public_key=key.public_key())
