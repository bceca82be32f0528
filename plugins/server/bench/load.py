"""Putting load on a server with wrk, and counting what it answers."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.command import BenchError, Command, run

if TYPE_CHECKING:
    from pathlib import Path

CONNECTIONS = 32
SCRIPT = """
local file = io.open(os.getenv("OCSP_REQUEST"), "rb")
local body = file:read("*a")
file:close()
local nonce = tonumber(os.getenv("OCSP_NONCE_AT"))
local headers = {["Content-Type"] = "application/ocsp-request"}
math.randomseed(os.time())
request = function()
  local sent = body
  if nonce >= 0 then
    local fresh = {}
    for i = 1, 32 do fresh[i] = string.char(math.random(0, 255)) end
    sent = body:sub(1, nonce) .. table.concat(fresh) .. body:sub(nonce + 33)
  end
  return wrk.format("POST", os.getenv("OCSP_PATH"), headers, sent)
end
response = function(status)
  if status ~= 200 then os.exit(1) end
end
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send again and again.

    Attributes:
        file: It, in DER.
        nonce_at: Where its nonce of 32 octets begins, which is another one each time; -1 if it has none.
    """

    file: Path
    nonce_at: int = -1


def single_answers_a_second(url: str, request: Request, seconds: float) -> float:
    """The same for the responder of openssl, which stands still if a connection brings nothing, as wrk's first does."""
    host, _, port = url.split("/")[2].partition(":")
    body = request.file.read_bytes()
    head = f"POST / HTTP/1.0\r\nContent-Type: application/ocsp-request\r\nContent-Length: {len(body)}\r\n\r\n"
    message, end = head.encode() + body, time.perf_counter() + seconds

    def ask(_: int) -> int:
        count = 0
        while time.perf_counter() < end:
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(message)
                if not _all_of(connection).startswith(b"HTTP/1.0 200 OK"):
                    raise BenchError(f"{url} does not answer as it should")
            count += 1
        return count

    with ThreadPoolExecutor(4) as threads:
        return sum(threads.map(ask, range(4))) / seconds


def _all_of(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def answers_a_second(url: str, request: Request, seconds: float, folder: Path) -> float:
    """How many answers a server gives; one that is not a 200 ends the benchmark.

    Args:
        url: Of OCSP.
        request: What is asked.
        seconds: How long.
        folder: For the script.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BenchError("wrk is not installed: the benchmark puts load on servers with it.")
    script = folder / "load.lua"
    script.write_text(SCRIPT)
    path = "/" + url.split("/", 3)[3] if url.count("/") > 2 else "/"
    variables = {"OCSP_REQUEST": str(request.file), "OCSP_NONCE_AT": str(request.nonce_at), "OCSP_PATH": path}
    argv = (wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script), url)
    told = run(Command(argv, {**variables, "PATH": os.environ["PATH"]}, folder)).stdout
    found = re.search(r"Requests/sec:\s+([0-9.]+)", told)
    if found is None or "Non-2xx" in told:
        raise BenchError(f"{url} does not answer as it should:\n{told}")
    return float(found[1])
