"""Requests that schemathesis makes from the description of the API, right and wrong ones; `nox -s desk` runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold_desk.api.requests import EXAMPLE
from anchorhold_desk.roles import Role

if TYPE_CHECKING:
    from desk.desk_house import DeskProcess, House

SETTINGS = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.slow(because="it sends thousands of requests")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ["session", "token"])
def test_the_api_does_what_its_description_says(desk_house: House, desk: DeskProcess, tmp_path: Path, way: str) -> None:
    admin = desk_house.person("admin", *Role)
    for authority in ("Direct", "Direct", "Issuing", "Twofold"):
        assert admin.program.post("/requests", json={**EXAMPLE, "authority": authority}).status_code == 201
    headers = {
        "session": [f"Cookie: desk={admin.session}", f"Origin: {desk_house.url}"],
        "token": [f"Authorization: Bearer {admin.token}"],
    }[way]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    options = ["--checks", "all", "--max-examples", "60", "--no-color"]
    given = [part for header in headers for part in ("--header", header)]
    where = f"{desk_house.url}/api/v1/openapi.json"
    run = subprocess.run([*command, *options, *given, where], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
    assert desk.process.poll() is None
