"""What the guide shows runs as it stands there, and prints what it says.

Each page runs from its first block to its last, in a folder of its own; see `guide.blocks`. After a change of what
commands print, one command writes the new outputs into the pages::

    REWRITE_OUTPUT=1 python -m pytest tests/guide -k what_a_page_shows
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from anchorhold.backends import BackendRegistry
from anchorhold.installation import Installation
from anchorhold.settings import load_settings
from anchorhold.testing import RULES
from databases import new_database
from guide.blocks import blocks
from guide.commands_page import page as commands_page
from guide.output import differences, rewritten
from guide.running import DOCS, RUN_ELSEWHERE, run_page, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgresql_cluster import Cluster

REPOSITORY = DOCS.parent
OURS = {
    "anchorhold",
    *(f"anchorhold-{folder.name}" for folder in (REPOSITORY / "plugins").iterdir() if folder.is_dir()),
}
EXTRAS = {"celery", "client", "desk", "storages", "hsm", "db", "server", "postgresql", "s3", "sftp", "testing"}
PAGES = sorted(
    str(page.relative_to(DOCS))
    for page in DOCS.rglob("*.md")
    if any(block.is_run for block in blocks(page.read_text())) and not RUN_ELSEWHERE.search(page.read_text())
)
LEDGERS = {"ANCHORHOLD_LEDGER": True, "ANCHORHOLD_NEW_LEDGER": False}
"""Variables in which pages get the URL of a database on PostgreSQL, and whether it has a ledger with an authority."""

REWRITE = bool(os.environ.get("REWRITE_OUTPUT"))
ADVICE = "if the new output is right, write it into the page: REWRITE_OUTPUT=1 python -m pytest tests/guide"

_LINES = re.MULTILINE | re.DOTALL

pytestmark = [
    pytest.mark.databases(because="each page makes an installation of its own"),
    pytest.mark.slow(because="a page is many commands, each a process"),
]


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_shows_runs_and_prints_what_it_says(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    text = (DOCS / name).read_text()
    start = start_of(name, tmp_path_factory)
    with ExitStack() as stack:
        variables = {}
        for variable in (name for name in LEDGERS if f"${name}" in text):
            cluster: Cluster = request.getfixturevalue("cluster")
            url = stack.enter_context(new_database(cluster.url))
            if LEDGERS[variable]:
                _make_authority(url, tmp_path / "elsewhere")
            variables[variable] = url if LEDGERS[variable] else _by_network(url, cluster)
        ran = run_page(name, tmp_path / "operator", start, variables)
    if REWRITE:
        (DOCS / name).write_text(rewritten(text, ran))
    else:
        assert not (found := differences(f"docs/{name}", ran)), f"{found}\n\n{ADVICE}"


def _by_network(url: str, cluster: Cluster) -> str:
    """The same database with host and password, as pgloader wants it, for a role of its own."""
    role = f"guide_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'guide'")
    return f"postgresql://{role}:guide@127.0.0.1:{cluster.port}{urlsplit(url).path}"


def _make_authority(ledger: str, folder: Path) -> None:
    made = [sys.executable, "-m", "anchorhold", "init-ca", "Issuing", "CN=Example Issuing CA,O=Example"]
    where = {"ANCHORHOLD_DATABASE": ledger, "ANCHORHOLD_CA_DIR": str(folder)}
    subprocess.run(made, env={**os.environ, **where}, check=True, capture_output=True)


def test_commands_can_be_copied_and_what_is_not_run_says_why() -> None:
    for page in DOCS.rglob("*.md"):
        for block in blocks(page.read_text()):
            where = f"{page.relative_to(DOCS)}:{block.line}"
            assert block.kind not in ("console", "sh", "shell"), f"{where}: commands are blocks of the kind bash"
            if block.kind == "bash" and not block.title:
                assert not re.search(r"^\$ ", block.body, re.MULTILINE), f"{where}: a prompt would be copied"


def test_every_installation_that_is_shown_names_what_is_ours() -> None:
    pages = [re.sub(r"^```text\n.*?^```$", "", page.read_text(), flags=_LINES) for page in DOCS.rglob("*.md")]
    shown = [line for page in pages for line in re.findall(r"pip install (.*)", page)]
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


@pytest.mark.parametrize("service", Installation.__annotations__)
def test_each_service_has_a_page_with_an_example_that_uses_it(service: str) -> None:
    page = (DOCS / "reference" / "services" / f"{service}.md").read_text()
    assert f"::: anchorhold.services.{service}.{Installation.__annotations__[service]}\n" in page
    assert any(f".{service}." in block.body for block in blocks(page) if block.is_run)


READMES = sorted(str(page.relative_to(REPOSITORY)) for page in REPOSITORY.glob("plugins/*/README.md"))


def test_settings_are_shown_in_readmes_of_our_backends() -> None:
    assert [name for name in READMES if any(_settings_in(name))] == [
        f"plugins/{name}/README.md" for name in ("celery", "db", "desk", "hsm", "storages")
    ]


@pytest.mark.parametrize("name", READMES)
def test_settings_in_a_readme_are_taken_as_they_stand_there(name: str, tmp_path: Path) -> None:
    for number, text in enumerate(_settings_in(name)):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        backends = BackendRegistry(load_settings(path, {}), pytest.fail, {})
        for alias in backends.aliases():
            backends.get(alias)  # checks its options


def _settings_in(name: str) -> Iterator[str]:
    """Whole settings files; a block that begins without a section is a part of one."""
    for block in blocks((REPOSITORY / name).read_text()):
        if block.kind == "toml" and block.body.startswith("["):
            yield block.body


def test_the_page_of_the_contract_has_each_rule_under_the_anchor_that_failures_name() -> None:
    page = " ".join((DOCS / "authors" / "contract.md").read_text().split())
    assert RULES
    for rule in RULES.values():
        anchor = rule.anchor.partition("#")[2]
        assert f"### {rule.id} {{ #{anchor} }} **{rule.sentence}** " in page
    assert page.count(" ### ") == len(RULES)
