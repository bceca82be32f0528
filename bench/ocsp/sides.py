"""The servers that are measured, each in processes of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.serialization import Encoding

from bench.command import BenchError, Command, run
from bench.folders import REPOSITORY
from bench.ocsp.load import TYPE
from bench.openssl import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.ocsp.house import House


STOPPING = 5
"""Seconds in which a server is to end."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server.

    Attributes:
        name: Under which it is reported.
        url: Of OCSP.
        command: That starts it.
        single: Whether it serves one connection at a time; it is given a second to begin, and not asked if it listens.
    """

    name: str
    url: str
    command: Command
    single: bool = False


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
    return port


def ours(house: House, folder: Path, workers: int) -> Server:
    """`anchorhold serve`."""
    port = free_port()
    argv = (sys.executable, "-m", "anchorhold", "serve", "--port", str(port), "--workers", str(workers))
    environment = {"PATH": os.environ["PATH"], **house.environment}
    return Server(
        f"anchorhold serve, {workers} workers", f"http://127.0.0.1:{port}/ocsp", Command(argv, environment, folder)
    )


def granian(body: Path, loop: str) -> Server:
    """The limit of cached answers: one worker of granian with a fixed ASGI body, set up as ours is.

    Args:
        body: What it sends.
        loop: Its event loop: ``asyncio``, with which granian comes, or ``uvloop``, as ours.
    """
    port = free_port()
    options = ("--interface", "asginl", "--http", "1", "--no-ws", "--loop", loop, "--port", str(port))
    argv = (sys.executable, "-m", "granian", *options, "--log-level", "error", "bench.ocsp.fixed:application")
    environment = {"PATH": os.environ["PATH"], "OCSP_BODY": str(body), "PYTHONPATH": str(REPOSITORY)}
    return Server(
        f"granian, fixed body, {loop}",
        f"http://127.0.0.1:{port}/ocsp",
        Command(argv, environment, REPOSITORY),
    )


def openssl_responder(house: House, folder: Path) -> Server:
    """``openssl ocsp -port`` with an index of one certificate; it signs every answer and closes every connection."""
    port = free_port()
    (folder / "issuer.pem").write_bytes(house.issuer.public_bytes(Encoding.PEM))
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "responder.key")
    run(openssl(folder, "req", "-x509", *key, "-subj", "/CN=Root", "-out", "responder.pem"))
    serial = f"{house.leaf.serial_number:X}"
    (folder / "index.txt").write_text(f"V\t991231235959Z\t\t{serial}\tunknown\t/CN=leaf\n")
    certificate = ("-index", "index.txt", "-CA", "issuer.pem", "-rsigner", "responder.pem", "-rkey", "responder.key")
    command = openssl(folder, "ocsp", "-port", str(port), *certificate, "-nmin", "60", "-ignore_err")
    return Server("openssl ocsp -port", f"http://127.0.0.1:{port}/", command, single=True)


def posted(url: str, request: bytes) -> bytes:
    """What a server answers to a request."""
    headers = {"Content-Type": TYPE}
    with urlopen(Request(url, request, headers)) as answer:  # noqa: S310  # our own server
        body: bytes = answer.read()
    return body


def started(server: Server) -> subprocess.Popen[bytes]:
    """A server that has been started, whether it listens yet or not."""
    command = server.command
    return subprocess.Popen(
        command.argv,
        env=command.env,
        cwd=command.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """A server for as long as it is needed."""
    process = started(server)
    port = int(server.url.split(":")[2].split("/")[0])
    try:
        if server.single:
            time.sleep(1)
        else:
            _wait_for(process, port, server.name)
        yield server
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server with its workers; gunicorn takes its time over connections that were broken off."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOPPING)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if process.poll() is not None:
            raise BenchError(f"{name} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            time.sleep(0.5)  # all of its workers
            return
    raise BenchError(f"{name} does not listen")
