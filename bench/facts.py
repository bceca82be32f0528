"""What a measurement depends on and is reported with: the machine, and the versions of what ran."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sqlite3
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.modes import Mode

CPUINFO = Path("/proc/cpuinfo")
PACKAGES = ("anchorhold", "cryptography", "peewee", "psycopg", "typer")


QUIET = 0.25
"""Load average for each processor up to which a machine counts as quiet."""


def wait_for_quiet(seconds: float = 180) -> None:
    """Wait until nothing else keeps this machine busy.

    Raises:
        BenchError: It stays busy.
    """
    end = time.monotonic() + seconds
    while (load := os.getloadavg()[0]) > QUIET * (os.cpu_count() or 1):
        if time.monotonic() > end:
            raise BenchError(
                f"the machine is busy (load average {load:.2f} on {os.cpu_count()} processors), and the page shows "
                "figures of a quiet one; end what runs beside, or leave out --page"
            )
        time.sleep(5)


def facts(mode: Mode, postgresql: str, peers: Mapping[str, str]) -> dict[str, str]:
    """Return the facts of this run by name, in the order in which they are reported.

    Args:
        mode: Of the run.
        postgresql: Version of the server.
        peers: Versions of the peers, by the names they are reported under.
    """
    load, _, _ = os.getloadavg()
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        "run": f"{mode.name}, {mode.pairs} pairs",
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} CPUs",
        "load average at the start": f"{load:.2f}",
        "Python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": postgresql,
        **peers,
    }


def _processor() -> str:
    """Return the processor's name where the system tells it: on Linux, ``platform.processor()`` often does not."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unnamed processor")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
