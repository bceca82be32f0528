"""Servers that hold keys in tests: moto's S3, a throw-away sshd, and a server that misbehaves as it is told."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from programs import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_UNCHECKED = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
"""Moto lets in whoever says anything, unless told otherwise."""
_MOTO = """
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
"""moto_server with one request at a time: S3 looks at the condition and writes in one step, moto in two."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], port: int, log: Path, **variables: str) -> Iterator[None]:
    """A server, from when it accepts connections."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **variables})
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


@contextmanager
def moto(folder: Path, **variables: str) -> Iterator[str]:
    """The URL of a moto server of our own."""
    port = free_port()
    with running([sys.executable, "-c", _MOTO, str(port)], port, folder / "moto.log", **variables):
        yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Bucket:
    """A bucket on a server, seen without any of the libraries that are tested."""

    url: str
    name: str

    @property
    def options(self) -> str:
        """For the settings."""
        return f"""
        endpoint_url = "{self.url}"
        key = "AKIDEXAMPLE"
        secret = "hunter2hunter2"
        client_kwargs = {{ region_name = "us-east-1" }}
        """

    def request(self, method: str, path: str = "", query: str = "", data: bytes | None = None) -> bytes:
        """Do something with an object, or with the bucket."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/{self.name}/{path}{query}", method=method, data=data, headers={"Authorization": _UNCHECKED}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content

    def names(self) -> list[str]:
        """The names of all objects."""
        listing = self.request("GET").decode()
        return [part.partition("</Key>")[0] for part in listing.split("<Key>")[1:]]


@dataclass(frozen=True)
class Sshd:
    """A running SSH server that lets this account in with one key."""

    port: int
    folder: Path

    @property
    def user(self) -> str:
        """Who may log in."""
        return pwd.getpwuid(os.geteuid()).pw_name

    @property
    def host_key(self) -> str:
        """Its public host key."""
        return " ".join((self.folder / "host.pub").read_text().split()[:2])

    @property
    def key_file(self) -> Path:
        """The private key that opens it."""
        return self.folder / "user"

    @property
    def options(self) -> str:
        """For the settings."""
        return f'host_key = "{self.host_key}"\nkey_filename = "{self.key_file}"\n'

    def url(self, folder: Path | str) -> str:
        """Of a folder."""
        return f"sftp://{self.user}@127.0.0.1:{self.port}{folder}"

    def log(self) -> str:
        """What it was asked to do with files."""
        return (self.folder / "sftp.log").read_text()


def ssh_key(path: Path, passphrase: str = "") -> str:
    """Make a key pair; its public part."""
    command = [program("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.with_suffix(".pub").read_text()


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that gives each connection to a function, in a thread of its own; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        server.settimeout(0.05)
        going = True

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):  # whoever is there may hang up
                try:
                    handle(connection)
                finally:
                    connection.shutdown(socket.SHUT_RDWR)

        def accept() -> None:
            while going:
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                connection.settimeout(10)
                Thread(target=serve, args=[connection], daemon=True).start()

        thread = Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            going = False
            thread.join()


@contextmanager
def tunnel(port: int, answer: Callable[[bytes, bytes], bytes]) -> Iterator[int]:
    """A way to a server on the loopback on which answers can be lost; its own port.

    Args:
        port: Of the server.
        answer: Given what the client has sent and what the server says now, what the client gets of it.
    """

    def forward(client: socket.socket) -> None:
        sent = bytearray()
        with socket.create_connection(("127.0.0.1", port)) as server:

            def send() -> None:
                with suppress(OSError):
                    while data := client.recv(65536):
                        sent.extend(data)
                        server.sendall(data)

            Thread(target=send, daemon=True).start()
            with suppress(OSError):
                while data := server.recv(65536):
                    client.sendall(answer(bytes(sent), data))

    with listening(forward) as own:
        yield own
