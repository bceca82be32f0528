"""The pages of decisions: each has its date, its rejected alternatives and its place in the lists."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
HEADINGS = ["Context", "Decision", "Rejected alternatives", "Consequences"]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.name[:4] for page in PAGES] == [f"{number:04d}" for number in range(1, len(PAGES) + 1)]


@every_page
def test_a_decision_says_when_why_and_what_was_rejected(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    sections = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert all(section.strip() for section in sections)
    assert re.search(r"^- \*\*", sections[2], re.MULTILINE)


@every_page
def test_a_decision_is_listed_with_its_title_and_date(page: Path) -> None:
    number = int(page.name[:4])
    first, _, third = page.read_text().splitlines()[:3]
    title = first.removeprefix(f"# {number}. ")
    date = dt.date.fromisoformat(third.removeprefix("Date: "))
    assert f"| {number} | [{title}]({page.name}) | {date} |" in (FOLDER / "index.md").read_text().splitlines()
    assert f"- decisions/{page.name}" in (line.strip() for line in (REPOSITORY / "mkdocs.yml").read_text().splitlines())
