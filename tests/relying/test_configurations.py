"""The pages of configurations run as they stand, and print what they say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from guide.blocks import blocks
from guide.output import differences, rewritten
from guide.running import DOCS, RUN_ELSEWHERE, run_page, start_of
from relying.report import REPORT, found_version
from relying.validators import NEWER, newer_openssl, version_of

if TYPE_CHECKING:
    from pathlib import Path

ML_DSA_IN_JAVA = (17, 0, 21)
PAGES = sorted(
    str(page.relative_to(DOCS))
    for page in DOCS.rglob("*.md")
    if RUN_ELSEWHERE.search(page.read_text()) and any(block.is_run for block in blocks(page.read_text()))
)

pytestmark = pytest.mark.slow(because="a page is many commands, each a process")


@pytest.mark.databases(because="each page makes an installation of its own")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_configurations_runs_and_prints_what_it_says(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = (DOCS / name).read_text()
    first = _newer_programs() if "with newer programs" in text else ""
    ran = run_page(name, tmp_path / "operator", start_of(name, tmp_path_factory), first=first)
    if os.environ.get("REWRITE_OUTPUT"):
        (DOCS / name).write_text(rewritten(text, ran))
    else:
        assert not (found := differences(f"docs/{name}", ran)), found


def _newer_programs() -> str:
    """The folder with the newer openssl; the page is left out, and the report says so, where a program is too old."""
    found_version("OpenSSL", version_of(newer_openssl(), "version"), "OpenSSL 3.5 or newer")
    java = found_version("Java", version_of("java", "-version"))
    if tuple(map(int, java.split(".")[:3])) < ML_DSA_IN_JAVA:
        REPORT.missing["ML-DSA page"] = f"Java {java} has no ML-DSA"
        pytest.skip(f"Java {java} has no ML-DSA")
    found_version("Go", version_of("go", "version"))
    return NEWER
