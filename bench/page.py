"""The page ``docs/performance.md``: what a program can fill in is replaced between markers, the rest is left alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.command import BenchError
from bench.folders import REPOSITORY
from bench.tables import TABLES

if TYPE_CHECKING:
    from bench.results import Results

PAGE = REPOSITORY / "docs" / "performance.md"
FOLDER = REPOSITORY / "docs" / "performance"
RESULTS = FOLDER / "results.json"
"""The values behind the page, from which its tables and plots can be made again."""


def write(results: Results) -> None:
    """Write the results, the plots and the tables.

    Raises:
        BenchError: The page has no place for a table, or matplotlib is not installed.
    """
    from bench.plots import draw

    results.write(RESULTS)
    draw(results, FOLDER)
    text = PAGE.read_text()
    for name, table in TABLES.items():
        text = _replaced(text, name, table(results).as_markdown())
    PAGE.write_text(text)


def _replaced(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- bench {name} -->", f"<!-- end {name} -->"
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not place.search(text):
        raise BenchError(f"{PAGE}: has no `{begin}` … `{end}` for a table to be put between")
    return place.sub(lambda _: f"{begin}\n\n{table}\n\n{end}", text)
