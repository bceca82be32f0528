"""Verifies logs: that each line vouches for the one before it, in one file and from one file to the next."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from anchorhold_audit_log.entries import Head, read_entry
from anchorhold_audit_log.log_file import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WAIT: Final = 10.0
"""Seconds to wait for a process that writes."""
RESULTS: Final = ("signed", "failed")


class ChainBrokenError(Exception):
    """The chain is broken: one sentence that says where and how."""


@dataclass
class Verified:
    """What a chain that holds says.

    Attributes:
        first: Number of the first entry; more than 1 if files before it were not verified.
        head: Its end.
        digests: Of all lines.
        open: Intents without a result, by id.
        torn: Where lines are that a process did not finish, as ``file: line 7``.
    """

    first: int = 0
    head: Head = field(default_factory=Head)
    digests: set[str] = field(default_factory=set)
    open: dict[str, dict[str, Any]] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)

    def begin(self, where: str, entry: dict[str, Any]) -> None:
        """Take the first entry's word for what was before it, unless it is the first of all.

        Raises:
            ChainBrokenError: It is not the first of a file.
        """
        if not self.first:
            if entry["event"] != "begin":
                raise ChainBrokenError(f"{where}: is not the beginning of a log, so entries are missing")
            self.first = entry["number"]
            if self.first > 1:
                self.head = Head(self.first - 1, entry["previous"])

    def add(self, line: bytes) -> None:
        """Go on behind a line."""
        self.head = self.head.after(line)
        self.digests.add(self.head.digest)


def verify(paths: Sequence[Path]) -> Verified:
    """Verify files that follow each other, the oldest first.

    Raises:
        ChainBrokenError: One does not hold.
        OSError: One cannot be read.
    """
    verified = Verified()
    for path in paths:
        _verify_file(path, verified)
    return verified


def _verify_file(path: Path, verified: Verified) -> None:
    torn: tuple[str, bytes] | None = None  # a line that is not an entry, until the next one vouches for it
    for where, line, is_whole in _lines(path):
        entry = _entry(line) if is_whole else None
        if entry is None and (torn is not None or not is_whole):
            raise ChainBrokenError(f"{where}: is cut off, or is not an entry, and no entry vouches for it")
        if entry is None:
            torn = (where, line)
            continue
        if torn is not None:
            _add_torn(torn, entry, verified)
            torn = None
        verified.begin(where, entry)
        _add(where, line, entry, verified)
    if torn is not None:
        raise ChainBrokenError(f"{torn[0]}: is not an entry, and no entry vouches for it")


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        return read_entry(line)
    except ValueError:
        return None


def _add_torn(torn: tuple[str, bytes], entry: dict[str, Any], verified: Verified) -> None:
    """Count a line for which the next entry vouches."""
    where, line = torn
    if entry["event"] != "torn" or entry.get("octets") != len(line):
        raise ChainBrokenError(f"{where}: is not an entry, and the next one does not vouch for it")
    verified.first = verified.first or 1
    verified.add(line)
    verified.torn.append(where)


def _add(where: str, line: bytes, entry: dict[str, Any], verified: Verified) -> None:
    head = verified.head
    if entry["number"] != head.number + 1:
        raise ChainBrokenError(
            f"{where}: has the number {entry['number']} and not {head.number + 1}, so entries are missing"
        )
    if entry["previous"] != head.digest:
        raise ChainBrokenError(f"{where}: does not follow what is before it, which was changed or replaced")
    verified.add(line)
    if entry["event"] == "intent":
        verified.open[str(entry.get("id"))] = entry
    elif entry["event"] in RESULTS:
        announced = verified.open.pop(str(entry.get("id")), None)
        if announced is None and verified.first == 1:
            raise ChainBrokenError(f"{where}: is the result of a signature that no entry announces")


def _lines(path: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Each line of a file: where it is, its octets, and whether it has an end; nobody writes meanwhile."""
    with locked(path, os.O_RDONLY, fcntl.LOCK_SH, WAIT) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
        for number, line in enumerate(file, 1):
            yield f"{path}: line {number}", line.removesuffix(b"\n"), line.endswith(b"\n")
