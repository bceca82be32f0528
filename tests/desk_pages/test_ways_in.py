"""The desk behind a proxy, with keys that need a PIN, and when a page fails."""

from __future__ import annotations

import logging
import re
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx
from starlette.applications import Starlette

from anchorhold.errors import LedgerError
from anchorhold.installation import open_installation
from anchorhold_desk.desk import Desk
from anchorhold_desk.pages.log_in import log_in as log_in_page
from anchorhold_desk.pages.serving import Pages
from anchorhold_desk.roles import Role
from anchorhold_desk.settings import desk_settings
from desk_pages.desk_process import PASSWORD, add_people, prepare, shown
from desk_pages.test_desk_pages import new_request, number_of
from server.serving import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest
    from starlette.routing import Route

    from conftest import MakeCsr
    from desk_pages.desk_process import RunningDesk

URL = "https://desk.example.com"


def takes_connections(path: Path) -> bool:
    """Whether a process listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as asking:
        return asking.connect_ex(str(path)) == 0


def test_behind_a_proxy_the_cookie_is_for_https_and_the_address_is_that_of_the_client(tmp_path: Path) -> None:
    environment, path = prepare(tmp_path, URL), tmp_path / "desk.sock"
    with open_installation(environment=environment) as installation:
        desk = Desk(installation, desk_settings(installation))
        add_people(desk, {"vera": (Role.VIEWER,)})
        command = [sys.executable, "-m", "anchorhold", "desk", "--socket", str(path)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment) as process:
            try:
                until(lambda: takes_connections(path))
                transport = httpx.HTTPTransport(uds=str(path))
                with httpx.Client(base_url="http://localhost", transport=transport, trust_env=False) as client:
                    answer = client.post(
                        "/login",
                        data={"name": "vera", "password": PASSWORD},
                        headers={"origin": URL, "x-forwarded-for": "198.51.100.1, 203.0.113.7"},
                    )
            finally:
                process.terminate()
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-desk=")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(cookie.lower().split("; "))
        assert "domain" not in cookie.lower()
        assert answer.headers["strict-transport-security"]
        (login,) = [event for event in desk.events(None, 20) if event.kind == "login"]
        assert login.origin == "203.0.113.7"
        desk.close()


def test_a_pin_that_only_people_know_is_asked_for_and_kept_nowhere(
    standing_desk: RunningDesk, make_csr: MakeCsr
) -> None:
    pin = "only people know this"
    with open_installation(environment=standing_desk.environment) as installation:
        installation.authorities.create("Guarded", "CN=Guarded", secrets={"password": pin})
    with standing_desk.browser("dana") as dana, standing_desk.browser("alex") as alex:
        number = number_of(new_request(dana, make_csr(), "guarded.example.com", authority="Guarded"))
        answer = alex.post(f"/requests/{number}/approve", {})
        assert answer.status_code == 422
        assert "the password is missing" in shown(answer)
        assert 'name="secret-password"' in answer.text
        wrong = alex.post(f"/requests/{number}/sign", {"secret-password": "another"})
        assert 400 <= wrong.status_code < 500
        answer = alex.post(f"/requests/{number}/sign", {"secret-password": pin})
        assert "The certificate was issued." in shown(answer)
        again = number_of(new_request(dana, make_csr(), "again.example.com", authority="Guarded"))
        assert "the password is missing" in shown(alex.post(f"/requests/{again}/approve", {})), "it was not kept"
    with standing_desk.browser("olga") as olga:
        found = re.search(r'href="(/authorities/\d+)">Guarded<', olga.get("/authorities").text)
        assert found
        assert "the password is missing" in shown(olga.post(f"{found[1]}/crls", {}))
        assert "New CRLs were made." in shown(olga.post(f"{found[1]}/crls", {"secret-password": pin}))
    assert pin not in standing_desk.log_file.read_text()


async def first_page(desk: Desk, routes: Sequence[Route], method: str = "GET") -> httpx.Response:
    """What an application in this process answers to someone who has a session, or says so."""
    transport = httpx.ASGITransport(Starlette(routes=routes))
    options = {"base_url": "http://testserver", "cookies": {"desk": "none"}}
    async with httpx.AsyncClient(transport=transport, **options) as client:  # type: ignore[arg-type]  # of two kinds
        answer = await client.request(method, "/", headers={"origin": "http://testserver"})
    with suppress(LedgerError):  # in the thread that has answered, whose connections they are
        await anyio.to_thread.run_sync(desk.close)
    return answer


def test_a_page_that_fails_tells_nothing_of_the_cause(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    environment = prepare(tmp_path, "http://testserver")

    def fail(page: object) -> None:
        raise RuntimeError("with a secret in it")

    with open_installation(environment=environment) as installation:
        desk = Desk(installation, desk_settings(installation))
        pages = Pages(desk)
        routes = pages.page("/", fail, public=True)  # type: ignore[arg-type]  # it answers nothing
        with caplog.at_level(logging.ERROR):
            answer = anyio.run(first_page, desk, routes)
        desk.close()
    assert answer.status_code == 500
    assert "The desk has failed" in answer.text
    assert "a secret in it" not in answer.text + caplog.text
    assert "desk: / failed with RuntimeError at " in caplog.text


def test_a_fault_of_the_host_names_no_path_to_people_who_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = prepare(tmp_path, "http://testserver", f'database = "sqlite:///{tmp_path}/file/desk.sqlite3"')
    with open_installation(environment=environment) as installation:
        desk = Desk(installation, desk_settings(installation))
        answer = anyio.run(first_page, desk, Pages(desk).page("/", lambda page: page.redirect("/x")))
        tried = anyio.run(first_page, desk, Pages(desk).form("/", log_in_page, public=True), "POST")
    assert (answer.status_code, tried.status_code) == (503, 503)
    assert "The desk has failed" in answer.text
    assert str(tmp_path) not in tried.text
    assert str(tmp_path) not in answer.text


def test_a_file_in_the_place_of_the_socket_is_refused_and_kept(standing_desk: RunningDesk, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a key, perhaps")
    command = [sys.executable, "-m", "anchorhold", "desk", "--socket", str(tmp_path / "kept")]
    done = subprocess.run(
        command, env=standing_desk.environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert "is there and no socket; name another path for the socket" in done.stderr
    assert (tmp_path / "kept").read_text() == "a key, perhaps"
