"""The page about the API says what the table of endpoints says, and its examples run."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from anchorhold_desk.roles import Role
from desk.api_page import PAGE, REGENERATE, page
from guide.blocks import blocks

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCsr
    from desk.desk_house import House


@pytest.mark.databases(because="a page is compared")
def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), f"run: {REGENERATE}"


@pytest.mark.usefixtures("desk")
def test_the_examples_run(desk_house: House, make_csr: MakeCsr, tmp_path: Path) -> None:
    people = {
        "token": desk_house.person("rita", Role.REQUESTER),
        "approver": desk_house.person("paul", Role.APPROVER),
        "operator": desk_house.person("olga", Role.OPERATOR),
    }
    for name, person in people.items():
        (tmp_path / f"{name}.header").write_text(f"Authorization: Bearer {person.token}\n")
    (tmp_path / "request.pem").write_bytes(make_csr())
    shown = [block.body for block in blocks(PAGE.read_text()) if block.kind == "bash"]
    assert len(shown) == 4
    script = "set -eu\n" + "\n".join(shown)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DESK": desk_house.url}
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    assert '"revocation_reason":"superseded"' in run.stdout.decode()
    assert len(re.findall("BEGIN CERTIFICATE", (tmp_path / "chain.pem").read_text())) == 3
