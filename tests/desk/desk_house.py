"""A desk in a process of its own, an authority it is for, and people who use it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx

from anchorhold.installation import open_installation
from anchorhold.secret import Secret
from anchorhold_desk.desk import Desk
from anchorhold_desk.first_account import HOST
from anchorhold_desk.roles import Act, Grant, Role
from anchorhold_desk.settings import desk_settings
from server.serving import free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from anchorhold.installation import Installation

PASSWORD: Final = "a password of some length"
TOKEN_ACTS: Final = frozenset(Act) - {Act.ADMINISTER}
SETTINGS: Final = """\
ca_dir = "{ca_dir}"

[desk]
url = "{url}"

[desk.authorities.Twofold]
approvals = 2

[desk.authorities.Direct]
approvals = 0
"""
AUTHORITIES: Final = ("Issuing", "Twofold", "Direct")


@dataclass
class Person:
    """Somebody with an account.

    Attributes:
        name: Of the account.
        http: Sends requests with a session, as a browser does.
        program: Sends requests with a token.
        token: That token.
        session: The secret of that session.
    """

    name: str
    http: httpx.Client = field(repr=False)
    program: httpx.Client = field(repr=False)
    token: str = field(repr=False)
    session: str = field(repr=False)


class House:
    """Authorities, and a desk with its people. Nothing is held open.

    Args:
        folder: For the settings and logs.
        port: Where the desk is going to listen.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._closing = ExitStack()

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "desk.toml"

    @contextmanager
    def opened(self) -> Iterator[tuple[Installation, Desk]]:
        """The installation and its desk, in this process."""
        with open_installation(self.settings) as installation:
            desk = Desk(installation, desk_settings(installation))
            try:
                yield installation, desk
            finally:
                desk.close()

    def person(self, name: str, *grants: Grant | Role, acts: frozenset[Act] = TOKEN_ACTS) -> Person:
        """Somebody new with these roles."""
        with self.opened() as (_, desk):
            account = desk.accounts.add(
                name, "", [each if isinstance(each, Grant) else Grant(each) for each in grants], HOST
            )
            link = desk.accounts.make_link(name, HOST)
            desk.logins.set_password(link, Secret(PASSWORD), "test")
            session = desk.logins.log_in(name, Secret(PASSWORD), "", "test")
            token = desk.tokens.add(account, "test", acts, 3600, HOST)
        browser = self.client(cookies={"desk": session}, headers={"origin": self.url})
        program = self.client(headers={"authorization": f"Bearer {token}"})
        return Person(name, browser, program, token, session)

    def client(self, **options: Any) -> httpx.Client:
        """For requests to the API."""
        made = httpx.Client(base_url=f"{self.url}/api/v1", trust_env=False, timeout=60, **options)
        return self._closing.enter_context(made)

    def events(self, kind: str) -> Sequence[Any]:
        """What happened, of a kind, oldest first."""
        with self.opened() as (_, desk):
            return [event for event in reversed(desk.events(None, 10_000)) if event.kind == kind]

    def certificates(self, authority: str) -> Sequence[Any]:
        """The certificates of an authority."""
        with self.opened() as (installation, _):
            return installation.certificates.list(authority)

    def close(self) -> None:
        """Close the connections of its people."""
        self._closing.close()


@dataclass
class DeskProcess:
    """A desk that runs.

    Attributes:
        process: The one that was started; its workers are others.
        log_file: What it has written.
    """

    process: subprocess.Popen[bytes]
    log_file: Path

    def workers(self) -> list[int]:
        """Process numbers of its workers."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children) as file:  # noqa: PTH123  # of the kernel
            return [int(number) for number in file.read().split()]

    def kill(self) -> None:
        """End all of it at once, as a crash does."""
        workers = self.workers()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for number in workers:
            os.kill(number, signal.SIGKILL)
            until(partial(_has_ended, number))


def _has_ended(number: int) -> bool:
    try:
        with open(f"/proc/{number}/stat") as file:  # noqa: PTH123  # of the kernel
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@contextmanager
def running(house: House, environment: Mapping[str, str] | None = None) -> Iterator[DeskProcess]:
    """The desk of a house, for as long as it is needed; it must not have met a defect."""
    log_file = house.folder / f"desk-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "anchorhold", "--config", str(house.settings), "desk", "--port", str(house.port)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(environment or {})}
        )
    started = DeskProcess(process, log_file)

    def answers() -> bool:
        assert process.poll() is None, log_file.read_text()
        try:
            return httpx.get(f"{house.url}/api/v1/openapi.json", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answers)
        yield started
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        print(log_file.read_text())  # shown with a test that fails
    assert "defect" not in log_file.read_text()


def build_house(folder: Path, ca_dir: Path) -> House:
    """A house with a root and the authorities below it."""
    house = House(folder, free_port())
    house.settings.write_text(SETTINGS.format(ca_dir=ca_dir, url=house.url))
    with house.opened() as (installation, _):
        root = installation.authorities.create("Root", "CN=Root")
        for name in AUTHORITIES:
            installation.authorities.create(name, f"CN={name}", parent=root)
    return house
