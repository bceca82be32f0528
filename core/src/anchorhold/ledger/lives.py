"""Whether a process that has left its number in the ledger may still live, as far as this one can see."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_BOOT: Final = _PROC / "sys/kernel/random/boot_id"
_DEAD: Final = ("Z", "X")
"""States of processes that have ended (proc(5))."""


def life_of_this_process() -> str:
    """Tells this process from all others, also from a later one with its number: ``boot pid-namespace start``.

    Empty where the system does not say, as only Linux does, or where ``/proc`` is that of another namespace.
    """
    world, started = _world(), _started(os.getpid())
    return f"{world} {started}" if world and started else ""


def may_live(process: int, life: str) -> bool:
    """Whether that process may live; False only if it ran where this one does and is gone.

    Args:
        process: Its number.
        life: Its `life_of_this_process`.
    """
    world, _, started = life.rpartition(" ")
    return not world or world != _world() or _started(process) == started


@cache
def _world() -> str:
    """Within which process numbers mean the same: one start of one kernel, and one namespace; empty if unknown."""
    try:
        if (_PROC / "self").readlink().name != str(os.getpid()):
            return ""
        return f"{_BOOT.read_text().strip()} {Path(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """When a process was started, in ticks since the kernel's start; empty if there is none that lives."""
    try:
        stat = (_PROC / str(process) / "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may have blanks and brackets
    return "" if fields[0] in _DEAD else fields[19]
