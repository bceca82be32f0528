"""How files with keys are named: by the key id, as core draws it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_FILE: Final = re.compile(r"[0-9a-f]{40}\.key")
"""The name of a file with a key in it."""


def below(root: str, found: Iterable[object]) -> list[str]:
    """Paths of key files, relative to a root, in order.

    Args:
        root: Path on a file system of fsspec.
        found: Paths of all files below it.
    """
    begin = root.strip("/") + "/"
    paths = (str(path).lstrip("/").removeprefix(begin) for path in found)
    return sorted(path for path in paths if KEY_FILE.fullmatch(path.rpartition("/")[2]))
