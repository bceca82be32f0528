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


def process_identity() -> str:
    """Tells this process from all others, also from a later one with its number: ``boot pid-namespace start``.

    Empty where the system does not say, as only Linux does, or where ``/proc`` is that of another namespace.
    """
    world, started = _pid_namespace(), _start_time(os.getpid())
    return f"{world} {started}" if world and started else ""


def may_be_alive(process: int, life: str) -> bool:
    """Whether that process may live; False only if it ran where this one does and is gone.

    Args:
        process: Its number.
        life: Its `process_identity`.
    """
    world, _, started = life.rpartition(" ")
    return not world or world != _pid_namespace() or _start_time(process) == started


@cache
def _pid_namespace() -> str:
    """Within which process numbers mean the same: one start of one kernel, and one namespace; empty if unknown."""
    try:
        if (_PROC / "self").readlink().name != str(os.getpid()):
            return ""
        return f"{_BOOT.read_text().strip()} {Path(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start_time(process: int) -> str:
    """When a process was started, in ticks since the kernel's start; empty if there is none that lives."""
    try:
        stat = (_PROC / str(process) / "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may have blanks and brackets
    return "" if fields[0] in _DEAD else fields[19]
