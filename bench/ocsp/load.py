"""Putting load on a server, and counting what it answers."""

from __future__ import annotations

import os
import re
import shutil
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bench.command import BenchError, Command, run

if TYPE_CHECKING:
    from pathlib import Path

KEPT: Final = 32
"""Connections that are kept open, with which most servers are asked."""
TRIAL: Final = 300
"""Requests that are sent to find out how many fill the time."""
TYPE: Final = "application/ocsp-request"
SCRIPT: Final = """
local file = io.open(os.getenv("OCSP_REQUEST"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "%s"
file:close()
"""
PROGRAMS: Final = {"wrk": "wrk", "ab": "apache2-utils"}
"""That put the load on, and the Debian packages they are in."""


@dataclass(frozen=True, slots=True)
class Load:
    """A request that is sent again and again.

    Attributes:
        file: The request, in DER.
        kept: Whether connections are kept open; otherwise each request has one of its own, one after the other:
            ``openssl ocsp`` serves one connection at a time.
        get: Whether it is sent in the path, as base64; only over connections that are kept open.
    """

    file: Path
    kept: bool = True
    get: bool = False


def missing() -> str | None:
    """Why no load can be put on a server; None if it can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    packages = ", ".join(PROGRAMS[name] for name in lacking)
    return f"{' and '.join(lacking)} (Debian's {packages}) not there" if lacking else None


def answers_a_second(url: str, load: Load, seconds: float) -> float:
    """How many answers a server gives.

    Raises:
        BenchError: One of them was something else than 200.
    """
    if load.get:
        text = quote(b64encode(load.file.read_bytes()), safe="")
        return _rate((*_wrk(seconds), f"{url}/{text}"), load.file, "Requests/sec")
    return (_kept if load.kept else _one_each)(url, load.file, seconds)


def _wrk(seconds: float) -> tuple[str, ...]:
    return ("wrk", "-t1", f"-c{KEPT}", f"-d{max(1, round(seconds))}s")


def _kept(url: str, request: Path, seconds: float) -> float:
    script = request.with_suffix(".lua")
    script.write_text(SCRIPT % TYPE)
    argv = (*_wrk(seconds), "-s", str(script), url)
    return _rate(argv, request, "Requests/sec")


def _one_each(url: str, request: Path, seconds: float) -> float:
    def rate(count: int) -> float:
        """Without a limit of time, so that each connection ends with an answer."""
        argv = ("ab", "-q", "-l", "-n", str(count), "-c", "1", "-p", str(request), "-T", TYPE, url)
        return _rate(argv, request, "Requests per second")

    return rate(max(TRIAL, round(rate(TRIAL) * seconds)))


def _rate(argv: tuple[str, ...], request: Path, words: str) -> float:
    environment = {"PATH": os.environ["PATH"], "OCSP_REQUEST": str(request)}
    told = run(Command(argv, environment, request.parent)).stdout
    found = re.search(rf"{words}:\s+([0-9.]+)", told)
    if found is None or "Non-2xx" in told:
        raise BenchError(f"`{' '.join(argv)}` met something else than answers:\n{told}")
    return float(found[1])
