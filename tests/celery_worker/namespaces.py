"""Two hosts on one machine: network namespaces that reach the servers between them, and not each other."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Final

import pytest

from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_HIDE: Final = 'for path in $HIDDEN; do mount -t tmpfs none "$path"; done; exec "$@"'


@dataclass(frozen=True)
class Namespace:
    """A host.

    Attributes:
        name: Of its network namespace.
        link: Name of the other end of its link, outside.
        address: Its own.
        services: The address at which it reaches the servers between both.
        hidden: Folders that it does not see.
    """

    name: str
    link: str
    address: str
    services: str
    hidden: tuple[Path, ...]

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command begins with that runs on this host: its own network, and nothing of what is hidden."""
        hidden = f"HIDDEN={' '.join(map(str, self.hidden))}"
        inside = (program("unshare", "util-linux"), "--mount", "env", hidden, "sh", "-c", _HIDE, "sh")
        return (program("ip", "iproute2"), "netns", "exec", self.name, *inside)

    @contextmanager
    def cut_off(self, how: str) -> Iterator[None]:
        """Without its link.

        Args:
            how: ``down``: the host knows; ``unplugged``: what it sends is lost without a word.
        """
        where = ("-n", self.name, "link", "set", "eth0") if how == "down" else ("link", "set", self.link)
        _ip(*where, "down")
        try:
            yield
        finally:
            _ip(*where, "up")

    def reaches(self, address: str, port: int) -> bool:
        """Whether a connection can be made from there."""
        code = f"import socket; socket.create_connection(({address!r}, {port}), 2)"
        return subprocess.run([*self.prefix, "python3", "-c", code], capture_output=True, check=False).returncode == 0


@contextmanager
def namespace(number: int, ports: Sequence[int], hidden: Sequence[Path]) -> Iterator[Namespace]:
    """A host with one way out: to servers that listen on the loopback of this machine.

    Args:
        number: Of the host; of its network, too.
        ports: Of the servers.
        hidden: Folders that it does not see.
    """
    if os.geteuid() != 0:
        pytest.fail("this test makes network namespaces: run it as root")
    name, link = f"anchorhold-{os.getpid()}-{number}", f"ah{os.getpid()}{number}"[-12:]
    net = f"10.{200 + os.getpid() // 100 % 50}.{os.getpid() % 100 * 2 + number}"  # tests may run in several processes
    host = Namespace(name, link, f"{net}.2", f"{net}.1", tuple(hidden))
    _ip("netns", "add", name)
    try:
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("address", "add", f"{net}.1/24", "dev", link)
        _ip("link", "set", link, "up")
        for command in (("address", "add", f"{net}.2/24", "dev", "eth0"), ("link", "set", "eth0", "up")):
            _ip("-n", name, *command)
        _ip("-n", name, "link", "set", "lo", "up")
        with ExitStack() as stack:
            for port in ports:
                stack.enter_context(_forwarded(host.services, port))
            yield host
    finally:
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> None:
    done = subprocess.run([program("ip", "iproute2"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def _forwarded(address: str, port: int) -> Iterator[None]:
    """Let connections to an address through to the loopback."""
    with socket.create_server((address, port)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    Thread(target=_forward, args=(client, port), daemon=True).start()

        accepting = Thread(target=accept, daemon=True)
        accepting.start()
        yield
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _forward(client: socket.socket, port: int) -> None:
    """Pass on what both sides of one connection say."""
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        answering = Thread(target=_copy, args=(server, client), daemon=True)
        answering.start()
        _copy(client, server)
        answering.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
