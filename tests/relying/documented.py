"""The tables of docs/relying-parties.md, as the tests compare them with what programs say."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from guide.running import DOCS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = DOCS / "relying-parties.md"
_PROGRAM: Final = re.compile(r"(?P<name>.+?)(?: (?P<versions>\d[\d., ]*))?(?: \(.*\))?")


@dataclass(frozen=True)
class Refusal:
    """A row of a table with the columns what, refused by, it says.

    Attributes:
        what: The kind of authority or constraint.
        program: Its name.
        versions: Beginnings of the versions that refuse it; empty for all that were measured.
        says: What is in its output, where the page quotes it in backticks.
    """

    what: str
    program: str
    versions: tuple[str, ...]
    says: str

    def of(self, what: str) -> Refusal:
        """The same row about something else."""
        return replace(self, what=what)

    def is_about(self, what: str, program: str, version: str) -> bool:
        """Whether this program, in this version, is to refuse this."""
        fits = not self.versions or any(begins(version, beginning) for beginning in self.versions)
        return (self.what, self.program) == (what, program) and fits


def begins(version: str, beginning: str) -> bool:
    """Whether a version is one of a series: 3.0 is the beginning of 3.0.22, and not of 3.01."""
    return f"{version}.".startswith(f"{beginning}.")


def table(heading: str) -> Iterator[list[str]]:
    """The cells of the rows of the first table below a heading, without its head."""
    section = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = (each for each in section if each.startswith(f"{heading}\n"))
    rows = re.search(r"^\|.*(?:\n\|.*)*", text, re.MULTILINE)
    assert rows, heading
    for row in rows[0].splitlines()[2:]:
        yield [cell.strip() for cell in row.strip("|").split("|")]


def refusals(heading: str) -> list[Refusal]:
    """Those of the first table below a heading."""
    return [_refusal(*cells) for cells in table(heading)]


def measured() -> dict[str, list[str]]:
    """The versions that were measured, by program."""
    return {cells[0].partition(" (")[0]: cells[1].split(", ") for cells in table("Versions")}


def is_measured(program: str, version: str) -> bool:
    """Whether one of the same series was: those with the same first two numbers."""
    series = ".".join(version.split(".")[:2])
    return any(begins(known, series) for known in measured()[program])


def _refusal(what: str, program: str, says: str) -> Refusal:
    found = _PROGRAM.fullmatch(program)
    assert found, program
    quoted = re.search(r"`([^`]*)`", says)
    versions = tuple((found["versions"] or "").split(", ")) if found["versions"] else ()
    return Refusal(what, found["name"], versions, quoted[1] if quoted else "")
