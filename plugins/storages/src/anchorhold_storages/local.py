"""Files below a local folder: created with their final mode, durable, never overwriting one another.

A file is written under a temporary name beside its own, ``.NAME.`` and random digits, which a crash leaves behind, with
the whole content if it came late enough. So finding and deleting take these along.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from anchorhold.errors import BackendFailedError, KeyExistsError
from anchorhold_storages.key_files import KEY_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

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

    def settle(self, path: str, is_whole: Callable[[bytes], bool]) -> bytes | None:
        """See `Storage.settle`.

        Raises:
            BackendFailedError: It cannot be read, or what is left cannot be removed.
        """
        target = self._at(path)
        try:
            for temporary in _temporaries(target):
                if is_whole(temporary.read_bytes()):
                    with suppress(FileExistsError):  # it was killed after that, or is at work still
                        os.link(temporary, target)
                temporary.unlink(missing_ok=True)
                _sync_folder(target.parent)
        except OSError as error:
            raise self._failed("complete", path, error) from error
        return self.read(path)

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
        """Remove a file, and all that is left of writing it; False if it was not there.

        Raises:
            BackendFailedError: It may still be there.
        """
        target = self._at(path)
        try:
            left = _temporaries(target)
            there = target.is_symlink() or target.exists()
            for file in (*left, target):
                file.unlink(missing_ok=True)
            if there or left:
                _sync_folder(target.parent)
        except OSError as error:
            raise self._failed("delete", path, error) from error
        return there

    def key_files(self) -> list[str]:
        """See `Storage.key_files`.

        Raises:
            BackendFailedError: A folder cannot be read.
        """

        def fail(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise self._failed("list", "", error) from error

        root = self._options.location
        return sorted(
            str((Path(folder) / name).relative_to(root))
            for folder, _, names in os.walk(root, onerror=fail)
            for name in names
            if KEY_FILE.fullmatch(name)
        )

    def check(self, folder: str) -> tuple[str, ...]:
        """See `Storage.check`; the folder may not be there yet.

        Raises:
            BackendFailedError: They cannot.
        """
        place = self._at(folder)
        while not os.path.lexists(place) and place != place.parent:
            place = place.parent
        if not place.is_dir() or not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            reason = "is not a folder" if not place.is_dir() else "must not be written by this account"
            raise BackendFailedError(
                f"{self._subject}: {place} {reason}", hint="choose another one, or give this account access"
            )
        return ()

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
                made = os.fstat(file.fileno())
            try:
                os.link(temporary, target)  # unlike rename, this refuses to replace
            except FileExistsError:
                if not os.path.samestat(target.lstat(), made):  # else another process has settled what we were writing
                    raise
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def _failed(self, what: str, path: str, error: OSError) -> BackendFailedError:
        return BackendFailedError(
            f"{self._subject}: cannot {what} {self._at(path)} ({error.strerror})",
            hint="check that this account may use the folder, that links work there, and that the disk is not full",
        )


def _temporaries(target: Path) -> list[Path]:
    """What writing a file has left beside it, or is just writing."""
    pattern = re.compile(re.escape(f".{target.name}.") + "[0-9a-f]{16}")
    try:
        with os.scandir(target.parent) as entries:
            return [target.with_name(entry.name) for entry in entries if pattern.fullmatch(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
