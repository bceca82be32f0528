"""The check of docs/authors/publishing.md, as it stands there, does what the page says of it."""

from __future__ import annotations

import re
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import BackendLoadError, SettingsError
from anchorhold.installation import open_installation
from anchorhold.installation_check import CHECKS_GROUP, Findings, check_installation
from guide.blocks import blocks
from guide.running import DOCS
from plugin.fake_backends import offer, settings_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]
PAGE = (DOCS / "authors" / "publishing.md").read_text()
(CHECK,) = (block.body for block in blocks(PAGE) if block.title == "checks.py")
"""The function of the page."""
MODULE = "checks_of_the_page"


def found(monkeypatch: pytest.MonkeyPatch, folder: Path, check: str | None, section: str) -> Findings:
    """What `config check` finds with a distribution that has this check, and this section."""
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    offers = {} if check is None else {"worker": f"{MODULE}:check_worker"}
    offer(monkeypatch, folder / "site", CHECKS_GROUP, offers, distribution="acme", modules={MODULE: check or ""})
    only = {"anchorhold.installation_check.entry_points": lambda **asked: _of_acme(folder, **asked)}
    for name, value in only.items():
        monkeypatch.setattr(name, value)
    settings_file(folder, monkeypatch, section)
    with open_installation() as installation:
        return check_installation(installation)


def _of_acme(folder: Path, **asked: Any) -> object:
    from importlib.metadata import EntryPoints, distributions

    found = [point for each in distributions(path=[str(folder / "site")]) for point in each.entry_points]
    return EntryPoints(found).select(**asked)


def test_the_project_of_the_page_offers_the_function_of_the_page() -> None:
    projects = [tomllib.loads(body) for body in re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]
    points = [each["project"]["entry-points"].get(CHECKS_GROUP) for each in projects]
    assert {"worker": "anchorhold_what.checks:check_worker"} in points
    assert "def check_worker(installation)" in CHECK


def test_what_is_returned_could_not_be_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = found(monkeypatch, tmp_path, CHECK, '[worker]\ndesk = "desk.example.com"\n')
    assert findings.problems == []
    assert "worker.desk: whether desk.example.com can be reached was not looked at" in findings.untested


def test_what_is_raised_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = found(monkeypatch, tmp_path, CHECK, "[worker]\nother = 1\n").problems
    assert isinstance(problem, SettingsError)
    assert "worker.desk: is not there" in str(problem)


def test_without_the_section_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = found(monkeypatch, tmp_path, CHECK, "")
    assert findings.problems == []
    assert "worker" not in " ".join(findings.untested)


@pytest.mark.parametrize(
    "check", ["raise ImportError('hunter2')", "def check_worker(i): raise KeyError('hunter2')", "check_worker = 1"]
)
def test_a_check_that_fails_is_the_fault_of_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    (problem,) = found(monkeypatch, tmp_path, check, "[worker]\ndesk = 1\n").problems
    assert isinstance(problem, BackendLoadError)
    assert "the check of acme has failed" in str(problem)
    assert "hunter2" not in str(problem)


def test_a_section_that_nobody_reads_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = found(monkeypatch, tmp_path, None, "[worker]\ndesk = 1\n")
    assert "worker: no installed distribution reads this section, so it could not be checked" in findings.untested
