"""What was tried, and what the programs said: printed behind the tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from relying.documented import is_measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from relying.documented import Refusal
    from relying.validators import Said, Validator


@dataclass
class Report:
    """Lines of a table, and programs that are missing.

    Attributes:
        rows: Program with version, what it was given, what it said, whether the page says so.
        missing: Programs whose rows are left out, and why.
    """

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The table, sorted by program."""
        rows = [("PROGRAM", "GIVEN", "SAID", "DOCUMENTED"), *sorted(self.rows)]
        if len(rows) > 1:
            widths = [max(len(row[column]) for row in rows) for column in range(4)]
            for row in rows:
                yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for program, why in sorted(self.missing.items()):
            yield f"LEFT OUT: {program}: {why}"


REPORT: Final = Report()
"""Of this run."""


def found_version(name: str, version: str | None, package: str = "") -> str:
    """The version of a program; a test of one that is missing is left out, and the table says so."""
    if version is None:
        REPORT.missing[package or name] = "not installed; its rows are not tried"
        pytest.skip(f"{package or name} is not installed")
    return version


def compare(validator: Validator, given: str, table: Sequence[Refusal], check: Callable[[], Said]) -> None:
    """Fail if a program does not do what a table of the page says; versions that were not measured are only noted."""
    version = found_version(validator.name, validator.version(), validator.package)
    said = check()
    documented = [row for row in table if row.is_about(given, validator.name, version)]
    known = is_measured(validator.name, version)
    agrees = said.accepted is not bool(documented) and all(row.says in said.output for row in documented)
    verdict = ("yes" if agrees else "NO") if known else "version not measured"
    REPORT.rows.append((f"{validator.name} {version}", given, said.short, verdict))
    if known:
        assert agrees, (documented, said)
