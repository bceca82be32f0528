"""The runtime directory of a server, private and below the temporary one; nothing secret is in it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def runtime_dir() -> Iterator[Path]:
    """A new runtime directory, which is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="anchorhold-serve-"))
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


def ensure_dir(folder: Path) -> None:
    """Create the directory again if it was removed, by a system that tidies up.

    Raises:
        OSError: It cannot be created; or another account has created one of that name, whose files must not be trusted.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another account")
