"""The lines of the issuance part: our rate beside the limit's, pair by pair."""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING

from bench.command import Command, bare_environment, run
from bench.folders import fresh_folder
from bench.issuance.limit import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGET = 0.60
"""Of the limit, one at a time and in batches."""
HEADINGS = ("key", "commits", "ours /s", "limit /s", "ratio", "spread", "target", "met")


def issuance_rows(cache: Path, pairs: int) -> Iterator[tuple[str, ...]]:
    """Measure every kind of key, one certificate at a time and in batches of 1,000."""
    folder = fresh_folder(cache / "issuance")
    for kind in KINDS:
        for mode, count in (("single", 500), ("batch", 1000)):
            arguments = (kind, str(count), mode, str(folder))
            rates = [(_rate("ours", arguments, folder), _rate("limit", arguments, folder)) for _ in range(pairs)]
            yield _row(kind, "two for each" if mode == "single" else "two for 1,000", rates)


def _rate(side: str, arguments: tuple[str, ...], folder: Path) -> float:
    command = (sys.executable, "-m", f"bench.issuance.{side}", *arguments)
    return float(run(Command(command, bare_environment(folder), folder.parents[1])).stdout)


def _row(kind: str, commits: str, rates: list[tuple[float, float]]) -> tuple[str, ...]:
    ours, limit = median(rate for rate, _ in rates), median(rate for _, rate in rates)
    single = [our / their for our, their in rates]
    ratio = ours / limit
    return (
        kind,
        commits,
        f"{ours:.0f}",
        f"{limit:.0f}",
        f"{ratio:.2f}",
        f"{min(single):.2f}..{max(single):.2f}",
        f">= {TARGET:.2f}",
        "yes" if ratio >= TARGET else "no",
    )
