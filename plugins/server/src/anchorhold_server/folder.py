"""The private folder of a server, below the temporary one, for as long as it runs; nothing secret is in it."""

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
def private_folder() -> Iterator[Path]:
    """A new one."""
    folder = Path(tempfile.mkdtemp(prefix="anchorhold-serve-"))
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


def ensure(folder: Path) -> None:
    """Make it again if it was removed, by a system that tidies up.

    Raises:
        OSError: It cannot be made; or somebody else has made one of that name, whose files are not to be trusted.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else")
