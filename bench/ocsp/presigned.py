"""Pre-signed answers: how quickly they are made, and nginx that serves them."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.installation import open_installation
from bench.command import Command
from bench.copies import add_copies
from bench.folders import fresh_folder
from bench.ocsp.sides import Server, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ocsp.house import House

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off; sendfile on; keepalive_requests 1000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port};
        include {folder}/ocsp.conf;
    }}
}}
"""


def nginx_missing() -> str | None:
    """Why nginx cannot be measured; None if it can."""
    return None if shutil.which("nginx", path=_path()) else "nginx (Debian's nginx) not there"


def fill(house: House, total: int) -> None:
    """Add so many certificates to the authority, all of them copies of its first one but for their serial numbers."""
    with open_installation(environment=house.environment) as installation:
        row = installation.authorities.get("root").record.id
        add_copies(installation.ledger, row, house.leaf.public_bytes(Encoding.DER), total)


def made(house: House, folder: Path) -> float:
    """Answers a second that our command writes to a new folder below that one, with the start of its processes.

    Nothing is removed before: for minutes, ext4 looks at each file that was removed when it makes another one.
    """
    answers = folder / secrets.token_hex(8)
    with open_installation(environment=house.environment) as installation:
        begun = time.perf_counter()
        result = installation.ocsp_responses.generate("root", answers, which="all")
        return result.written / (time.perf_counter() - begun)


def nginx(house: House, answers: Path, folder: Path, serve_url: str) -> Server:
    """Nginx with one worker, which serves the answers."""
    folder, port = fresh_folder(folder), free_port()
    with open_installation(environment=house.environment) as installation:
        text = installation.ocsp_responses.web_server("nginx", answers, serve_url=serve_url)
    (folder / "ocsp.conf").write_text(text)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    argv = ("nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"))
    return Server("nginx, files", f"http://127.0.0.1:{port}/ocsp", Command(argv, {"PATH": _path()}, folder))


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin"
