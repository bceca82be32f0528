"""Where a result goes: standard output, a file, or what is no regular file. Nothing else is harmed.

A regular file is replaced at once where nothing but its content changes by that, and else written into: it keeps its
mode, its owner and its other names. Links are followed.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.cli.protected_files import (
    INSPECTED_OCTETS,
    MAX_WORD_LENGTH,
    NOTHING_PROTECTED,
    looks_like_password,
    protected_content,
    protected_word,
)
from anchorhold.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.cli.protected_files import ProtectedFiles

STANDARD_OUTPUT: Final = Path("-")
_ANOTHER_FOLDER: Final = "name another folder"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_UNFIT: Final = {stat.S_IFDIR: "is a folder", stat.S_IFBLK: "is a disk", stat.S_IFSOCK: "is a socket"}


def is_standard_output(out: Path | None) -> bool:
    """Whether that is standard output: nothing was named, ``-``, or what standard output leads to already."""
    if out is None or out == STANDARD_OUTPUT:
        return True
    try:
        return os.path.samestat(out.stat(), os.fstat(sys.stdout.fileno())) and not stat.S_ISDIR(out.stat().st_mode)
    except (OSError, ValueError, AttributeError):  # not there, or standard output is closed
        return False


def check_destination(out: Path, kept: ProtectedFiles = NOTHING_PROTECTED) -> None:
    """Find out that nothing can be written there, or should be, before anything is done.

    Args:
        out: As it was named; see `is_standard_output` first.
        kept: What the settings say of files.

    Raises:
        OutputError: It exists and is not to be replaced, or cannot be written.
    """
    try:
        status = out.stat()
    except FileNotFoundError:
        target = Path(os.path.realpath(out))
        kept.check(target, out)
        if target.parent.is_dir() and not os.access(target.parent, os.W_OK | os.X_OK):
            raise OutputError(
                f"{out}: cannot be written, because its folder is not writable", hint="name another folder"
            ) from None
        if not target.parent.is_dir():
            raise OutputError(
                f"{out}: cannot be written, because its folder does not exist",
                hint="create the folder, or name another one",
            ) from None
        return
    except OSError as error:
        raise _not_written(out, error) from error
    unfit = _UNFIT.get(stat.S_IFMT(status.st_mode))
    if unfit is not None:
        raise OutputError(f"{out}: cannot be written, because it {unfit}", hint="name a file")
    if not os.access(out, os.W_OK):
        raise OutputError(f"{out}: is not writable", hint="name another file, or change its mode")
    if stat.S_ISREG(status.st_mode):
        kept.check(out.resolve(), out)
        _check_content(out, private=not status.st_mode & _OTHERS)


def check_new(path: Path, kept: ProtectedFiles = NOTHING_PROTECTED) -> None:
    """Find out that no new file can be made there, or should be, before anything is done.

    Args:
        path: As it was named; its folder need not be there yet.
        kept: What the settings say of files.

    Raises:
        OutputError: There is a file, a link that leads nowhere, or a folder; or it is no place for one.
    """
    if os.path.lexists(path) and (path.is_file() or not path.exists()):
        raise OutputError(f"{path}: already exists", hint="name another file, or move it away")
    if path.exists() or path.parent.is_dir():  # else the folder is made with the file
        check_destination(path, kept)
    kept.check(Path(os.path.realpath(path)), path)


def check_new_folder(folder: Path, kept: ProtectedFiles = NOTHING_PROTECTED) -> None:
    """Find out that no new folder can be made there, or should be; an empty one is as good as none.

    Args:
        folder: As it was named; those above it need not be there yet.
        kept: What the settings say of files.

    Raises:
        OutputError: There is something else, or it is no place for files.
    """
    try:
        if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder}: already exists", hint="name another folder, or move it away")
    except OSError as error:
        raise _not_written(folder, error, _ANOTHER_FOLDER) from error
    kept.check_folder(Path(os.path.realpath(folder)), folder)


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Make a folder with files, all of it or nothing; see `check_new_folder` first.

    Args:
        files: Their contents, by path within the folder.
        folder: As it was named. An empty one keeps its mode and its owner.

    Raises:
        OutputError: It cannot be written.
    """
    target = Path(os.path.realpath(folder))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        there = target.is_dir()
        with tempfile.TemporaryDirectory(dir=target if there else target.parent, prefix=".making-") as scratch:
            made = Path(scratch) / "made"
            for name, content in files.items():
                place = made / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            for source, place in [(part, target / part.name) for part in made.iterdir()] if there else [(made, target)]:
                source.rename(place)
    except OSError as error:
        raise _not_written(folder, error, _ANOTHER_FOLDER) from error


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it, for what only its owner may see; one that is there stays as it is.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_to(content: bytes, out: Path, *, hint: str) -> None:
    """Write there.

    Args:
        content: All of it.
        out: As it was named.
        hint: How to get the result, if that fails.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        status = out.stat() if out.exists() else None
        if status is not None and not stat.S_ISREG(status.st_mode):
            _write_into(out, content)
        elif status is None or _can_be_replaced(out, status):
            _replace(Path(os.path.realpath(out)), content, status)
        else:
            _write_into(out, content)
    except OSError as error:
        raise _not_written(out, error, hint) from error


def write_new(content: bytes, path: Path, mode: int) -> None:
    """Make a file that is not there yet; what is no regular file is written into.

    Args:
        content: All of it.
        path: The file.
        mode: Of the file, from the moment on at which it is there.

    Raises:
        FileExistsError: There is such a file.
        OSError: It cannot be written; nothing is left of it.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        _write_into(path, content)
        return
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise


def _check_content(out: Path, *, private: bool) -> None:
    try:
        with out.open("rb") as file:
            content = file.read(INSPECTED_OCTETS)
            reason = protected_content(content)
            if reason is None and private and looks_like_password(content):
                reason = "is one line that only its owner may read, like a password"
            while reason is None and (more := file.read(INSPECTED_OCTETS)):
                content = content[-MAX_WORD_LENGTH:] + more
                reason = protected_word(content)
    except OSError as error:
        raise OutputError(
            f"{out}: cannot be read ({error.strerror}), so it may hold valuable data", hint="name another file"
        ) from error
    if reason is not None:
        raise OutputError(f"{out}: {reason}, and is not overwritten", hint="move it away, or name another file")


def _can_be_replaced(out: Path, status: os.stat_result) -> bool:
    """Whether another file in its place would be the same but for the content: no other names, owner or lists."""
    folder = Path(os.path.realpath(out)).parent
    own = (os.geteuid(), os.getegid()) == (status.st_uid, status.st_gid)
    listed = getattr(os, "listxattr", None)
    plain = listed is None or not listed(out)
    return own and plain and status.st_nlink == 1 and os.access(folder, os.W_OK | os.X_OK) and not _is_open(out)


def _is_open(out: Path) -> bool:
    """Whether a descriptor names it, such as ``/dev/fd/3``: the process that opened it has the file, not its name."""
    return os.path.realpath(out.parent) in (os.path.realpath("/dev/fd"), "/dev")


def _replace(target: Path, content: bytes, status: os.stat_result | None) -> None:
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}")
    mode = 0o666 if status is None else stat.S_IMODE(status.st_mode) & 0o600
    try:
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            if status is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            file.write(content)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _write_into(out: Path, content: bytes) -> None:
    """Write into what is there; of a regular file that was named by a descriptor, behind what is there."""
    regular = stat.S_ISREG(out.stat().st_mode)
    flags = os.O_WRONLY | os.O_NOCTTY | ((os.O_APPEND if _is_open(out) else os.O_TRUNC) if regular else 0)
    with os.fdopen(os.open(out, flags), "wb") as file:
        file.write(content)


def _not_written(out: Path, error: OSError, hint: str = "name another file") -> OutputError:
    return OutputError(f"{out}: cannot be written ({error.strerror})", hint=hint)
