"""A desk in a process of its own, an installation it works on, and people who use it as browsers do."""

from __future__ import annotations

import html
import os
import re
import secrets
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from anchorhold.installation import open_installation
from anchorhold.ledger import IssuancePolicy
from anchorhold_desk.desk import Desk
from anchorhold_desk.first_account import HOST
from anchorhold_desk.roles import Grant, Role
from anchorhold_desk.settings import desk_settings
from server.serving import free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
_SETTINGS = """ca_dir = "{folder}/ca"
[ocsp_key_backends.default]
backend = "storages"
[ocsp_key_backends.second]
backend = "storages"
[desk]
url = "{url}"
proxies = ["127.0.0.1"]
{more}
"""


@dataclass
class Browser:
    """Someone at a desk: keeps cookies, follows redirects, and fills in the token of the form.

    Attributes:
        client: What it sends with.
        url: Of the desk.
    """

    client: httpx.Client = field(repr=False)
    url: str

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Look at a page."""
        return self.client.get(path, **options)

    def post(self, path: str, data: Mapping[str, Any], *, seen: str = "/account", **options: Any) -> httpx.Response:
        """Send a form.

        Args:
            path: Where to.
            data: The fields.
            seen: The page it stands on, whose token it has.
            options: Of httpx.
        """
        found = _TOKEN.search(self.client.get(seen).text)
        token = {"csrf": found[1]} if found else {}
        headers = {"origin": self.url, **options.pop("headers", {})}
        return self.client.post(path, data={**token, **data}, headers=headers, **options)

    def log_in(self, name: str, password: str = PASSWORD, code: str = "") -> httpx.Response:
        """Log in, or try to."""
        form = {"name": name, "password": password, "code": code}
        return self.client.post("/login", data=form, headers={"origin": self.url})


@dataclass
class RunningDesk:
    """A desk that runs.

    Attributes:
        url: Where it is.
        environment: Variables of its processes.
        log_file: What it has written.
        process: It.
        sessions: Cookies of those who are logged in, by name.
    """

    url: str
    environment: Mapping[str, str]
    log_file: Path
    process: subprocess.Popen[bytes]
    sessions: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    @contextmanager
    def browser(self, name: str | None = None, **options: Any) -> Iterator[Browser]:
        """Someone at an address of their own, logged in if there is a name."""
        address = f"10.1.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
        headers = {"x-forwarded-for": address, **options.pop("headers", {})}
        shared: dict[str, Any] = {"base_url": self.url, "trust_env": False, "timeout": 30, "follow_redirects": True}
        with httpx.Client(headers=headers, **shared, **options) as client:
            made = Browser(client, self.url)
            if name is not None:
                self._resume(made, name)
            yield made

    def _resume(self, browser: Browser, name: str) -> None:
        """Go on with the session of an account that tests share, for a log-in takes long on purpose."""
        browser.client.cookies.update(self.sessions.get(name, {}))
        if browser.get("/account", follow_redirects=False).status_code == 200:
            return
        browser.client.cookies.clear()
        answer = browser.log_in(name)
        assert answer.status_code == 200, shown(answer)
        self.sessions[name] = dict(browser.client.cookies)

    def command(self, *arguments: str) -> str:
        """What a command of anchorhold prints."""
        done = subprocess.run(
            [sys.executable, "-m", "anchorhold", *arguments], env=self.environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    @contextmanager
    def opened(self) -> Iterator[Desk]:
        """The same desk in this process, to look or to prepare."""
        config = self.environment["ANCHORHOLD_CONFIG"]
        with open_installation(environment=self.environment) as installation:
            assert str(installation.loaded.path) == config
            desk = Desk(installation, desk_settings(installation))
            try:
                yield desk
            finally:
                desk.close()


def shown(answer: httpx.Response) -> str:
    """The text of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def prepare(folder: Path, url: str, more: str = "", hostname: str | None = None) -> dict[str, str]:
    """Make an installation with two authorities and settings for a desk.

    Args:
        folder: Where.
        url: Of the desk.
        more: Of the settings, after those of the desk.
        hostname: Where the server will publish for the issuing authority.

    Returns:
        The variables for its processes.
    """
    settings = folder / "anchorhold.toml"
    settings.write_text(_SETTINGS.format(folder=folder, url=url, more=more))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ANCHORHOLD_CONFIG": str(settings),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    with open_installation(environment=environment) as installation:
        installation.authorities.create("Root", "CN=Root", path_length=1)
        issuing = IssuancePolicy(hostname=hostname)
        installation.authorities.create("Issuing", "CN=Issuing", parent="Root", issuing=issuing)
    return environment


def add_people(desk: Desk, people: Mapping[str, tuple[Role, ...]]) -> None:
    """Make accounts with the usual password and roles on every authority."""
    from anchorhold.secret import Secret

    for name, roles in people.items():
        desk.accounts.add(name, f"{name}@example.com", [Grant(role) for role in roles], HOST)
        desk.logins.set_password(desk.accounts.make_link(name, HOST), Secret(PASSWORD), "192.0.2.1")


@contextmanager
def running(folder: Path, environment: Mapping[str, str], url: str) -> Iterator[RunningDesk]:
    """A desk, for as long as it is needed; no page of it must have failed."""
    port = url.rpartition(":")[2]
    log_file = folder / f"desk-{port}.log"
    command = [sys.executable, "-m", "anchorhold", "desk", "--port", port]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment))
    desk = RunningDesk(url, environment, log_file, process)
    try:
        until(lambda: _answers(desk))
        yield desk
    finally:
        process.terminate()
        process.wait(30)
        print(log_file.read_text())  # shown with a test that fails
    assert " failed with " not in log_file.read_text()


def new_url() -> str:
    """Of a port that is free."""
    return f"http://127.0.0.1:{free_port()}"


def _answers(desk: RunningDesk) -> bool:
    assert desk.process.poll() is None, desk.log_file.read_text()
    try:
        return httpx.get(f"{desk.url}/login", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
