"""A ledger that is not there: where keys are, it is lost or looked for in the wrong place, and nobody makes another."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.errors import LedgerError
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MISSING: Final = "is not there"
EMPTY: Final = "is empty"
WITHOUT_AUTHORITY: Final = "has no authority"

MAX_DEPTH: Final = 4
"""How far below a folder keys are looked for."""
MAX_ENTRIES: Final = 5_000
"""How many files and folders are looked at."""
_KEY: Final = re.compile(r"\.?[0-9a-f]{40}\.key\b")
"""The file of a key of an installation: core draws key ids of 20 octets. Keys of others (``tls.key``) say nothing."""


class NoLedgerError(LedgerError):
    """There is no ledger, and no key either: an installation that was never used."""


@dataclass(frozen=True, slots=True)
class MissingLedgerPolicy:
    """What is done where there is no ledger, or one without a single authority.

    Attributes:
        create: Whether tables may be made; not where there are keys already.
        folders: Gives the folders in which keys are looked for; asked only where there is no ledger.
    """

    create: bool = True
    folders: Callable[[], Iterable[Path]] = tuple

    def check(self, where: str, state: str, still: Callable[[], bool]) -> None:
        """Refuse what must not be.

        Args:
            where: What to call the ledger.
            state: `MISSING`, `EMPTY` or `WITHOUT_AUTHORITY`.
            still: Whether it still is so; asked once keys are found, which another process may just have made.

        Raises:
            LedgerError: Keys exist that this ledger does not know.
            NoLedgerError: No keys exist, but tables may not be created.
        """
        folder = folder_with_keys(self.folders())
        if folder is not None:
            if not still():
                return
            raise LedgerError(
                f"{where}: {state}, but there are keys in {folder}",
                hint="restore it, or correct `database`; to start over, move these keys away first",
            )
        if state != WITHOUT_AUTHORITY and not self.create:
            raise NoLedgerError(
                f"{where}: {state}",
                hint="restore the ledger, correct `database`, or create the first authority",
                remedy=Remedy("authorities.create"),
            )


MAY_CREATE: Final = MissingLedgerPolicy()
"""Without a look for keys."""


def folder_with_keys(folders: Iterable[Path]) -> Path | None:
    """The first folder found, among these and below them, that has the file of a key of an installation; else None."""
    left = MAX_ENTRIES
    for folder in dict.fromkeys(folders):
        for entry in _below(os.fspath(folder), MAX_DEPTH):
            left -= 1
            if _KEY.match(entry.name):
                return Path(entry.path).parent
            if not left:
                return None
    return None


def _below(folder: str, depth: int) -> Iterator[os.DirEntry[str]]:
    """Files below a folder, its own first; what this account may not see is left out, and so is what links lead to."""
    deeper = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    deeper.append(entry.path)
                yield entry
    except OSError:
        return
    for path in deeper if depth else ():
        yield from _below(path, depth - 1)
