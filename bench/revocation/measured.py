"""Commands measured one by one: seconds from start to exit, and the most memory they held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.command import BenchError

if TYPE_CHECKING:
    from bench.command import Command

_KILO = 1 if sys.platform == "darwin" else 1024
"""Octets that the system counts memory in."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took.

    Attributes:
        seconds: From start to exit.
        busy: Seconds of processor time, which what else the machine does changes less.
        megabytes: Peak resident size, in millions of octets.
        said: What it wrote.
    """

    seconds: float
    busy: float
    megabytes: float
    said: str


def measured(command: Command) -> Measured:
    """Run a command that writes little, and wait for it.

    Raises:
        BenchError: It failed.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command.argv,
        env=command.env,
        cwd=command.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        said = process.stdout.read() if process.stdout is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"`{' '.join(command.argv)}` exited with {process.returncode}:\n{said.decode()}")
    busy = usage.ru_utime + usage.ru_stime
    return Measured(seconds, busy, usage.ru_maxrss * _KILO / 1e6, said.decode())
