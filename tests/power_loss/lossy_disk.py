"""A disk that forgets what was not synced: what a process wrote is recorded, and put together again up to a moment."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from programs import program

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

_NUMBERS: Final = struct.Struct("=QQQ")
APPENDED: Final = 2**64 - 1
"""The offset of what is written at the end of a file."""


@dataclass(frozen=True)
class Step:
    """One call of a process.

    Attributes:
        what: ``w`` for write, ``s`` for sync, ``t`` for truncate.
        path: Of the file.
        offset: Where it was written; the new size for ``t``.
        data: What was written.
    """

    what: str
    path: Path
    offset: int
    data: bytes


def recorder(folder: Path) -> Path:
    """The library that records what a process writes, to be preloaded."""
    library = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    command = (program("gcc", "gcc libc6-dev"), "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl")
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return library


def steps_in(record: Path) -> Iterator[Step]:
    """What was recorded, in order."""
    content, at = record.read_bytes(), 0
    while at < len(content):
        what, at = chr(content[at]), at + 1
        length, offset, size = _NUMBERS.unpack_from(content, at)
        at += _NUMBERS.size
        path, at = Path(content[at : at + length].decode()), at + length
        yield Step(what, path, offset, content[at : at + size])
        at += size


@dataclass
class LossyFile:
    """A file on that disk.

    Attributes:
        synced: What is sure to be there.
        unsynced: What was done to it since.
    """

    synced: bytearray = field(default_factory=bytearray)
    unsynced: list[Step] = field(default_factory=list)

    def take(self, step: Step) -> None:
        """Do what the process did."""
        if step.what == "s":
            for earlier in self.unsynced:
                _apply(self.synced, earlier)
            self.unsynced.clear()
        else:
            self.unsynced.append(step)

    def after_loss(self, chance: random.Random | None) -> bytes:
        """What is found after the machine went off: what was synced, and by chance some of the rest."""
        content = bytearray(self.synced)
        for step in self.unsynced:
            if chance is not None and chance.random() < 0.5:
                _apply(content, step)
        return bytes(content)


def _apply(content: bytearray, step: Step) -> None:
    if step.what == "t":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    begin = len(content) if step.offset == APPENDED else step.offset
    content.extend(bytes(max(0, begin - len(content))))
    content[begin : begin + len(step.data)] = step.data
