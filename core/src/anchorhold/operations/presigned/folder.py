"""The folder of pre-signed OCSP responses: whose it is, who may write when, and how files get there and away.

Files are written beside and renamed, so that a reader finds a whole response or none. Two locks order writers:

- A writer that places what was signed before shares the lock, and looks once more whether the ledger still says the
  same.
- A writer that has changed a status takes the lock alone, after the commit. Those that share it have placed what is
  outdated by then, or look at the ledger afterwards; so nothing outdated comes behind what has been replaced.

A gate before the lock keeps those that share it from taking it in turns for ever.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.errors import BusyError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OWN: Final = ".anchorhold"
"""Subfolder with what is not a response: states, locks and what is being written."""
MARK: Final = b"anchorhold: pre-signed OCSP responses, layout 1\n"
LOCK_TIMEOUT: Final = 30.0
"""Seconds to wait for other writers, who hold the lock for some milliseconds."""
FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755
_POLL: Final = 0.005


class AnswerFolder:
    """A folder of pre-signed OCSP responses, of one authority or several.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.own = path / OWN
        self._root = os.fspath(path)

    @property
    def is_made(self) -> bool:
        """Whether it is such a folder."""
        try:
            return (self.own / "layout").read_bytes() == MARK
        except (FileNotFoundError, NotADirectoryError):
            return False

    def make(self) -> None:
        """Make it, if that was not done yet.

        Raises:
            OutputError: It holds something else, or cannot be made.
        """
        try:
            if self.is_made:
                return
            is_used = self.path.exists() and any(entry.name != OWN for entry in self.path.iterdir())
            if is_used and not self.is_made:  # which another process may just have done
                raise OutputError(
                    f"{self.path}: holds files that are not pre-signed OCSP responses", hint="name another folder"
                )
            for folder in (self.path, self.own):
                _make_folder(os.fspath(folder))
            for name in ("lock", "gate"):
                (self.own / name).touch(FILE_MODE)
            self.replace_own("layout", MARK)
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot be used ({error.strerror})", hint="name another folder, or correct its owner"
            ) from error

    def replace_own(self, name: str, content: bytes) -> None:
        """Replace a file of the subfolder, durably.

        Raises:
            OSError: It cannot be written.
        """
        temporary = self.own / f"{name}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.own / name)

    @contextmanager
    def run_lock(self, authority: str) -> Iterator[None]:
        """For one run that keeps the responses of an authority up to date; it ends with its process.

        Raises:
            BusyError: Another run is at it.
        """
        descriptor = os.open(self.own / f"{authority}.run", os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, FILE_MODE)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(
                    f"{self.path}: another process is writing OCSP responses of this authority there",
                    hint="wait until it has ended",
                ) from None
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """While files are placed that were signed before.

        Raises:
            BusyError: Another process keeps the lock.
        """
        with self._locked("gate", fcntl.LOCK_SH) as gate, self._locked("lock", fcntl.LOCK_SH):
            fcntl.flock(gate, fcntl.LOCK_UN)
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While files are replaced or removed because of what the ledger says now.

        Raises:
            BusyError: Another process keeps the lock.
        """
        with self._locked("gate", fcntl.LOCK_EX), self._locked("lock", fcntl.LOCK_EX):
            yield

    @contextmanager
    def _locked(self, name: str, how: int) -> Iterator[int]:
        descriptor = os.open(self.own / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = time.monotonic() + LOCK_TIMEOUT
            while not _is_locked(descriptor, how):
                if time.monotonic() > end:
                    raise BusyError(f"{self.path}: is locked by another process", hint="wait, or end it")
                time.sleep(_POLL)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def scratch(self, authority: str) -> Iterator[str]:
        """A folder in which files are written before they are placed."""
        folder = self.own / f"{authority}.{secrets.token_hex(8)}.new"
        _make_folder(os.fspath(folder))
        try:
            yield os.fspath(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remove_scratch(self, authority: str) -> None:
        """Remove what killed processes have left; no other one may be writing."""
        for folder in self.own.glob(f"{authority}.*.new"):
            shutil.rmtree(folder, ignore_errors=True)

    def has(self, path: str) -> bool:
        """Whether there is a response under that path."""
        return os.path.exists(f"{self._root}/{path}")  # noqa: PTH110  # asked for each of a million

    def place(self, written: str, path: str) -> None:
        """Move a file that was written to where it is found.

        Raises:
            OSError: It cannot be.
        """
        target = f"{self._root}/{path}"
        try:
            os.rename(written, target)  # noqa: PTH104  # done for each of a million
        except FileNotFoundError:
            _make_parents(self._root, path)
            os.rename(written, target)  # noqa: PTH104  # the same

    def remove(self, path: str) -> bool:
        """Remove a response and the folders that only it has needed; whether there was one.

        Raises:
            OSError: It cannot be removed.
        """
        try:
            (self.path / path).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        with suppress(OSError):  # another one is in it
            for parent in Path(path).parents[:-1]:
                (self.path / parent).rmdir()
        return True

    def sync_paths(self, paths: Iterable[str]) -> None:
        """Let these responses be on the disk, or their absence."""
        for path in paths:
            for place in (self.path / path, *(self.path / path).parents[: path.count("/") + 1]):
                with suppress(FileNotFoundError, NotADirectoryError):
                    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
                    try:
                        os.fsync(descriptor)
                    finally:
                        os.close(descriptor)

    def sync(self) -> None:
        """Let everything written so far be on the disk."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
            if syncfs is None:
                os.sync()
            elif syncfs(descriptor):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)


def write_file(path: str, content: bytes) -> None:
    """Write a new file that everybody may read.

    Raises:
        OSError: It cannot be written.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:  # a mask that hides files from the web server
            os.fchmod(descriptor, FILE_MODE)
        written = 0
        while written < len(content):
            written += os.write(descriptor, content[written:] if written else content)
    finally:
        os.close(descriptor)


def _make_folder(path: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(path, FOLDER_MODE)  # noqa: PTH102  # with a path that is text
        os.chmod(path, FOLDER_MODE)  # noqa: PTH101  # the same; whatever the mask is


def _make_parents(root: str, path: str) -> None:
    at = path.find("/")
    while at >= 0:
        _make_folder(f"{root}/{path[:at]}")
        at = path.find("/", at + 1)


def _is_locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
