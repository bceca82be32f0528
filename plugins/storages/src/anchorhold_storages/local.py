"""Files below a local folder: created with their final mode, durable, never overwriting one another."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from anchorhold.errors import BackendFailedError, KeyExistsError

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold_storages.options import LocalOptions


class LocalStorage:
    """A folder.

    Args:
        options: Its place and modes.
        subject: What to call it in messages.
    """

    def __init__(self, options: LocalOptions, subject: str) -> None:
        self._options = options
        self._subject = subject

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is no such file.

        Raises:
            BackendFailedError: It is there but cannot be read.
        """
        try:
            return self._at(path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", path, error) from error

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file, durably and all at once; nobody else can ever read it while it is made.

        Raises:
            KeyExistsError: There is such a file; it is left alone.
            BackendFailedError: It cannot be written.
        """
        target = self._at(path)
        try:
            self._make_folder(target.parent)
            self._link_new(target, content)
        except FileExistsError:
            raise KeyExistsError(f"{self._subject}: {path} exists already", hint="choose another path") from None
        except OSError as error:
            raise self._failed("write", path, error) from error

    def delete(self, path: str) -> bool:
        """Remove a file; False if it was not there.

        Raises:
            BackendFailedError: It may still be there.
        """
        target = self._at(path)
        try:
            target.unlink()
            _sync_folder(target.parent)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failed("delete", path, error) from error
        return True

    def _at(self, path: str) -> Path:
        return self._options.location / path

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        mode = self._options.directory_permissions_mode
        try:
            folder.mkdir(mode=mode & 0o700)
        except FileExistsError:
            return
        folder.chmod(mode)  # only ever widens: the folder was made without group and others
        _sync_folder(folder.parent)

    def _link_new(self, target: Path, content: bytes) -> None:
        mode = self._options.file_permissions_mode
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, mode & 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, target)  # unlike rename, this refuses to replace
        finally:
            temporary.unlink()
        _sync_folder(target.parent)

    def _failed(self, what: str, path: str, error: OSError) -> BackendFailedError:
        return BackendFailedError(
            f"{self._subject}: cannot {what} {self._at(path)} ({error.strerror})",
            hint="check that this account may use the folder, that links work there, and that the disk is not full",
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
