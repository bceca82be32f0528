"""The file: several threads and processes append to it, one after the other, and what is written is on the disk.

Each line is appended under a lock of the file, by one `write`, and synchronised before the lock is given back. A
process that is killed may leave the beginning of a line. The next one ends that line and vouches for it by an entry
``torn``.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from anchorhold_audit_log.entries import Head, digest_of, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PAUSE: Final = 0.005
"""Seconds between two looks at a lock that another process has."""
BLOCK: Final = 4096
"""Octets that are read at a time in search of the last line."""


class LogFile:
    """A log as this process sees it.

    Args:
        path: Of the file; it is created for its owner alone.
        wait: Seconds after which a lock that another process holds is given up.
    """

    def __init__(self, path: Path, wait: float) -> None:
        self.path = path
        self._wait = wait
        self._seen = (0, 0)  # inode and octets; used under the lock of the file only, which threads hold apart, too

    def append(self, event: str, facts: Mapping[str, Any]) -> None:
        """Append an entry; it is on the disk when this returns, or not in the log.

        Raises:
            OSError: It cannot be written, or the lock is held for too long.
            ValueError: The log was shortened, or its last line is not an entry.
        """
        with locked(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, fcntl.LOCK_EX, self._wait) as descriptor:
            found = os.fstat(descriptor)
            self._check_length(found)
            head, lines = _continued(descriptor, found.st_size)
            lines.append(head.next_line(event, facts))
            _write_whole(descriptor, b"".join(line + b"\n" for line in lines), found.st_size)
            self._remember(os.fstat(descriptor))

    def _check_length(self, found: os.stat_result) -> None:
        inode, length = self._seen
        if found.st_ino == inode and found.st_size < length:
            raise ValueError(f"it is shorter than it was: {found.st_size} octets, and {length} before")

    def _remember(self, found: os.stat_result) -> None:
        self._seen = (found.st_ino, found.st_size)

    def rotate(self, archive: Path) -> None:
        """Give the file another name, and begin a new one that goes on where it ends.

        Args:
            archive: The name, in a folder of the same file system.

        Raises:
            OSError: There is such a file already, or it cannot be made.
            ValueError: The log is empty or damaged at its end.
        """
        with locked(self.path, os.O_RDWR, fcntl.LOCK_EX, self._wait) as descriptor:
            head, torn = _continued(descriptor, os.fstat(descriptor).st_size)
            if torn or not head.number:
                raise ValueError("its end is torn" if head.number else "it has no entry")
            begun = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            try:
                _write_new(begun, head.next_line("begin", {"continues": archive.name}) + b"\n")
                os.link(self.path, archive)  # fails where something is, unlike a renaming
                os.replace(begun, self.path)  # noqa: PTH105  # whoever waits for the lock sees that the name has moved on
            finally:
                begun.unlink(missing_ok=True)
            _synchronise_folder(self.path.parent)


@contextmanager
def locked(path: Path, flags: int, kind: int, wait: float) -> Iterator[int]:
    """Open the file that has a name, and hold a lock on it.

    Args:
        path: The name.
        flags: As of `os.open`.
        kind: ``LOCK_EX`` to write, ``LOCK_SH`` to read (flock(2)).
        wait: Seconds to wait for others.

    Raises:
        OSError: It cannot be opened, or the lock is held for too long.
    """
    end = time.monotonic() + wait
    while True:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, kind, end, path)
            if _has_name(descriptor, path):  # else it was rotated while we waited
                yield descriptor
                return
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child that was forked meanwhile has the descriptor, too
            os.close(descriptor)


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _lock(descriptor: int, kind: int, end: float, path: Path) -> None:
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise TimeoutError(110, "another process keeps it locked", str(path)) from None
            time.sleep(PAUSE)
        else:
            return


def _continued(descriptor: int, size: int) -> tuple[Head, list[bytes]]:
    """The end of the log, behind what must be written first: nothing, or what vouches for a torn line.

    Raises:
        ValueError: The last whole line is not an entry.
    """
    if not size:
        head = Head()
        begin = head.next_line("begin", {})
        return head.after(begin), [begin]
    last, torn = _last_lines(descriptor, size)
    head = _head_of(last) if last else Head()
    if not torn:
        return head, []
    closed = Head(head.number + 1, digest_of(torn))  # the torn line counts
    vouching = closed.next_line("torn", {"octets": len(torn)})
    return closed.after(vouching), [b"", vouching]  # the empty one ends the torn line


def _head_of(line: bytes) -> Head:
    try:
        return Head(read_entry(line)["number"], digest_of(line))
    except ValueError:
        raise ValueError("its last line is not an entry") from None


def _last_lines(descriptor: int, size: int) -> tuple[bytes, bytes]:
    """The last whole line, and what stands behind it without a line break."""
    tail, start = b"", size
    while start and tail.count(b"\n") < 2:
        length = min(BLOCK, start)
        start -= length
        tail = os.pread(descriptor, length, start) + tail
    whole, _, torn = tail.rpartition(b"\n")
    return whole.rpartition(b"\n")[2], torn


def _write_whole(descriptor: int, octets: bytes, size: int) -> None:
    """Append all of it, synchronised, or nothing."""
    try:
        while octets:  # what a disk has no room for fails at the second try
            octets = octets[os.write(descriptor, octets) :]
        os.fsync(descriptor)
    except OSError:
        _shorten(descriptor, size)
        raise


def _shorten(descriptor: int, size: int) -> None:
    """Take back the beginning of a line; if even that fails, the next process vouches for it."""
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        return


def _write_new(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _synchronise_folder(folder: Path) -> None:
    """Names are in the folder, and on the disk when that is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
