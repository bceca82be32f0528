"""The serving part: the start of `serve` on a crowded ledger, and the size of its worker, against fixed limits."""

from __future__ import annotations

import http.client
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.x509 import ocsp

from bench.command import BenchError
from bench.folders import fresh_folder
from bench.memory import PROCESSES, resident
from bench.ocsp.load import TYPE
from bench.ocsp.sides import end, ours, started
from bench.results import Comparison, Target
from bench.serving.crowd import Crowd, make_crowd

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from bench.modes import Mode

ANSWERS: Final = 2_000
"""OCSP responses that are asked for."""
STARTS: Final = 3
"""Starts that are measured, after one that is not."""
PATIENCE: Final = 120
"""Seconds within which a server has to be ready, or nothing is measured."""
SECONDS: Final = 1.0
MEGABYTES: Final = 120.0
"""The limits: of the time until it is ready, and of its worker's resident size (10^6 octets)."""
LIMIT: Final = Target(sign="<=", ratio=1.0)


class Needed(NamedTuple):
    """What one server needed.

    Attributes:
        seconds: Until it was ready.
        ready: Megabytes of its worker then.
        later: The same after `ANSWERS` responses.
    """

    seconds: float
    ready: float
    later: float


def serving_lines(cache: Path, mode: Mode) -> list[Comparison]:
    """Measure a server, started several times; nothing where the system does not tell sizes."""
    ledger = f"{mode.authorities:,} authorities, {mode.sizes[-1]:,} certificates"
    if not (PROCESSES / "self" / "status").exists():
        return [Comparison(labels=("all", ledger), against="all", not_measured="the system does not tell sizes")]
    folder = fresh_folder(cache / "serving")
    crowd = make_crowd(folder, mode.authorities, mode.sizes[-1])
    needed = [_needed(crowd, folder) for _ in range(STARTS + 1)][1:]
    fresh_folder(folder)  # a million certificates are not kept
    seconds, ready, later = zip(*needed, strict=True)
    return [
        _line("seconds until it is ready", ledger, seconds, SECONDS),
        _line("MB of its worker, ready", ledger, ready, MEGABYTES),
        _line(f"MB of its worker, {ANSWERS:,} responses later", ledger, later, MEGABYTES),
    ]


def _line(what: str, ledger: str, ours: tuple[float, ...], limit: float) -> Comparison:
    against = f"{limit:.0f}"
    return Comparison(labels=(what, ledger), against=against, ours=ours, theirs=(limit,) * len(ours), target=LIMIT)


def _needed(crowd: Crowd, folder: Path) -> Needed:
    server = ours(crowd.house, folder, 1)
    port = int(server.url.split(":")[2].split("/")[0])
    begun = time.perf_counter()
    process = started(server)
    try:
        _wait_until_ready(process, port)
        seconds, worker = time.perf_counter() - begun, _worker(process)
        ready = _megabytes(worker)
        _ask(port, crowd)
        return Needed(seconds, ready, _megabytes(worker))
    finally:
        end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise BenchError(f"anchorhold serve ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:  # it does not listen yet
            pass
        finally:
            connection.close()
        time.sleep(0.01)
    raise BenchError("anchorhold serve does not become ready")


def _worker(process: subprocess.Popen[bytes]) -> int:
    """The process number of the only worker of a server."""
    children = PROCESSES / str(process.pid) / "task" / str(process.pid) / "children"
    (number,) = children.read_text().split()
    return int(number)


def _megabytes(process: int) -> float:
    return resident(process) * 1.024e-3


def _ask(port: int, crowd: Crowd) -> None:
    """Ask for certificates of all authorities, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for request in islice(cycle(crowd.requests), ANSWERS):
        connection.request("POST", "/ocsp", request, {"Content-Type": TYPE})
        answer = ocsp.load_der_ocsp_response(connection.getresponse().read())
        if answer.certificate_status is not ocsp.OCSPCertStatus.GOOD:
            raise BenchError("our server does not say what it should")
    connection.close()
