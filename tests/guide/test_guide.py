"""What the guide shows runs as it stands there: each page from its first command to its last, in an empty folder.

Commands stand in blocks ``console`` after ``$``; a block with a title is a file of that name; blocks ``python`` are run
by Python. Not run, but looked at, is ``pip install``: what it names must be ours.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.backends import Backends
from anchorhold.settings import load_settings
from anchorhold.testing import RULES
from databases import new_database
from guide.commands_page import page as commands_page
from hsm.softhsm import find_library
from programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgresql_cluster import Cluster

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
OURS = {
    "anchorhold",
    *(f"anchorhold-{folder.name}" for folder in (REPOSITORY / "plugins").iterdir() if folder.is_dir()),
}
EXTRAS = {"storages", "hsm", "db", "server", "postgresql", "s3", "sftp", "testing"}
BLOCK = re.compile(r"""^```(\w+)(?: title="([^"\n]+)")?\n(.*?)^```$""", re.MULTILINE | re.DOTALL)
UPGRADING = "upgrading.md"
PAGES = sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if BLOCK.search(page.read_text()))
NEEDS = {
    "openssl": "openssl",
    "curl": "curl",
    "softhsm2-util": "softhsm2",
    "pkcs11-tool": "opensc",
    "sqlite3": "sqlite3",
    "pg_dump": "postgresql",
}
"""Programs that commands use, and the Debian packages they are in."""
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"

pytestmark = [
    pytest.mark.databases(because="each page makes an installation of its own"),
    pytest.mark.slow(because="a page is many commands, each a process"),
]


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The variables of a new user: ``anchorhold`` and ``python`` are found, and nothing is configured."""
    programs = tmp_path / ".programs"
    programs.mkdir()
    for name, line in {
        "anchorhold": f'"{sys.executable}" -m anchorhold "$@"',
        "python": f'"{sys.executable}" "$@"',
        "pytest": f'"{sys.executable}" -m pytest -p no:cacheprovider "$@"',
    }.items():
        script = programs / name
        script.write_text(f"#!/bin/sh\nexec {line}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANCHORHOLD_", "SOFTHSM2_"))}
    return {**kept, "HOME": str(tmp_path), "PATH": f"{programs}:{os.environ['PATH']}"}


def test_every_page_with_commands_is_known() -> None:
    assert {"first-ca.md", "server.md", "backends/hsm.md", "authors/seam.md"} <= set(PAGES)


@pytest.mark.parametrize("name", [name for name in PAGES if name != UPGRADING])
def test_what_a_page_shows_runs(name: str, shell: dict[str, str], tmp_path: Path) -> None:
    _run_page(name, shell, tmp_path)


def test_what_the_page_on_upgrading_shows_keeps_a_ledger_of_either_kind(
    shell: dict[str, str], tmp_path: Path, cluster: Cluster
) -> None:
    with new_database(cluster.url) as url:
        there = {**shell, "ANCHORHOLD_CA_DIR": str(tmp_path / "ca"), "ANCHORHOLD_LEDGER": url}
        for ledger in ({}, {"ANCHORHOLD_DATABASE": url, "ANCHORHOLD_CA_DIR": str(tmp_path / "other")}):
            made = [sys.executable, "-m", "anchorhold", "init-ca", "Root", "CN=Root"]
            subprocess.run(made, env={**there, **ledger}, check=True, capture_output=True)
        assert "Root" in _run_page(UPGRADING, there, tmp_path)
    listed = subprocess.run([program("pg_restore", "postgresql"), "--list", tmp_path / "work" / "before.dump"], **_READ)
    assert "anchorhold_certificate" in listed.stdout


_READ: Any = {"capture_output": True, "text": True, "check": True}


def _run_page(name: str, shell: dict[str, str], tmp_path: Path) -> str:
    """Run what a page shows; its output."""
    script = "\n".join(["set -euo pipefail", *_steps((DOCS / name).read_text())])
    for needed, package in NEEDS.items():
        if re.search(rf"\b{needed}\b", script):
            program(needed, package)
    if SOFTHSM in script:
        script = script.replace(SOFTHSM, find_library())
    folder = tmp_path / "work"
    folder.mkdir()
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=shell, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_installation_that_is_shown_names_what_is_ours() -> None:
    shown = [line for page in DOCS.rglob("*.md") for line in re.findall(r"pip install (.*)", page.read_text())]
    assert len(shown) > 1
    for word in (word.strip("\"'`.,") for line in shown for word in line.partition("#")[0].split()):
        found = re.fullmatch(r"(anchorhold[a-z-]*)(?:\[([a-z0-9,]+)\])?", word)
        if word.startswith("anchorhold"):
            assert found, word
            assert found[1] in OURS
            assert set(filter(None, (found[2] or "").split(","))) <= EXTRAS


def test_the_reference_of_commands_is_what_the_program_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANCHORHOLD_CONFIG", raising=False)
    made = "python tests/guide/commands_page.py > docs/commands.md"
    assert (DOCS / "commands.md").read_text() == commands_page(), f"run: {made}"


READMES = sorted(str(page.relative_to(REPOSITORY)) for page in REPOSITORY.glob("plugins/*/README.md"))


def test_settings_are_shown_in_readmes_of_our_backends() -> None:
    assert [name for name in READMES if any(_settings_in(name))] == [
        f"plugins/{name}/README.md" for name in ("db", "hsm", "storages")
    ]


@pytest.mark.parametrize("name", READMES)
def test_settings_in_a_readme_are_taken_as_they_stand_there(name: str, tmp_path: Path) -> None:
    for number, text in enumerate(_settings_in(name)):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        backends = Backends(load_settings(path, {}), pytest.fail, {})
        for alias in backends.aliases():
            backends.get(alias)  # checks its options


def _settings_in(name: str) -> Iterator[str]:
    """Whole settings files; a block that begins without a section is a part of one."""
    for kind, _, body in BLOCK.findall((REPOSITORY / name).read_text()):
        if kind == "toml" and body.startswith("["):
            yield body


def _steps(page: str) -> Iterator[str]:
    """A page as lines of a shell script."""
    for number, (kind, title, body) in enumerate(BLOCK.findall(page)):
        if title:
            yield f"cat > {title} <<'END OF FILE {number}'\n{body}END OF FILE {number}"
        elif kind == "console":
            yield from _commands(body)
        elif kind == "python":
            yield f"python - <<'END OF PYTHON {number}'\n{body}END OF PYTHON {number}"


def _commands(block: str) -> Iterator[str]:
    for line in block.splitlines():
        assert line.startswith("$ "), f"not a command: {line}"
        if not line.startswith("$ pip install"):
            yield line[2:]


def test_the_page_of_the_contract_has_each_rule_under_the_anchor_that_failures_name() -> None:
    page = " ".join((DOCS / "authors" / "contract.md").read_text().split())
    assert RULES
    for rule in RULES.values():
        anchor = rule.anchor.partition("#")[2]
        assert f"### {rule.id} {{ #{anchor} }} **{rule.sentence}** " in page
    assert page.count(" ### ") == len(RULES)
