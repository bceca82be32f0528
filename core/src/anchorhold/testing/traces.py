"""What a child process does to its surroundings: files that it writes, folders that it makes, questions it asks."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TERMINAL: Final = "/dev/tty"
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NOT_KEPT: Final = re.compile("/(?:dev(?!/shm/)|proc|sys)/")
"""Where no files are; ``/dev/shm`` is a file system in memory."""
_PUBLIC: Final = (b"-----BEGIN PUBLIC KEY", b"-----BEGIN CERTIFICATE", b"ssh-")
"""How files begin that everybody may read."""
_EVERYBODY: Final = stat.S_IROTH | stat.S_IWOTH


@dataclass
class Traces:
    """What is noticed from `listen` on, by the audit events of the interpreter (PEP 578).

    Attributes:
        files: Absolute paths that were opened for writing, or are the new name of another file.
        folders: Absolute paths of folders that were made.
        questions: What a person was asked at the terminal behind core's back.
    """

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    questions: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Begin; it does not end before the process does."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self._opened(*arguments)
        elif event in ("os.rename", "os.link", "os.symlink"):
            self._add(self.files, arguments[1])
        elif event == "os.mkdir":
            self._add(self.folders, arguments[0])
        elif event == "sqlite3.connect":
            self._add(self.files, arguments[0])
        elif event == "builtins.input":
            self.questions.append(str(arguments[0]))

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if path == _TERMINAL:
            self.questions.append(f"it opened {_TERMINAL}")
        elif (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITING):
            self._add(self.files, path)

    def _add(self, paths: set[str], path: Any) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            absolute = os.path.abspath(os.fsdecode(path))  # noqa: PTH100  # as it is called, links not followed
            if not _NOT_KEPT.match(absolute):
                paths.add(absolute)


def files_below(folders: Iterable[Path]) -> Iterator[Path]:
    """All regular files in folders and below them."""
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.is_file() and not path.is_symlink():
                yield path


def stamp(path: Path) -> tuple[int, int, int] | None:
    """What differs when a file was written; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def open_to_everybody(path: Path, made: set[str]) -> bool:
    """Whether every account may read or write a file that is not public by what it holds.

    Args:
        path: The file.
        made: Folders that were made for it: one of them that only its owner enters protects the file.
    """
    try:
        if not path.stat().st_mode & _EVERYBODY:
            return False
        with path.open("rb") as file:
            if file.read(32).startswith(_PUBLIC):
                return False
        own = [folder for folder in path.parents if str(folder) in made]
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in own)
    except OSError:  # it is gone
        return False
