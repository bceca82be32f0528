"""The growth part: each operation on a growing ledger beside the same on one that stays small, in turn."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import anchorhold
from bench.databases import NAMES, Databases
from bench.folders import fresh_folder
from bench.growth.filled import FilledLedger
from bench.growth.operations import OPERATIONS, Operation
from bench.growth.plans import plans
from bench.measure import alternately
from bench.results import Comparison, Plan, Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.modes import Mode

SMALL = 1_000
"""Certificates in the ledger that the growing one is measured against."""
FLAT = Target(sign="<=", ratio=1.5)
"""A search in a tree of a million takes a few steps more than in one of a thousand; anything beyond is not flat."""


def growth_lines(cache: Path, mode: Mode, databases: Databases) -> Iterator[tuple[list[Comparison], list[Plan]]]:
    """Measure all operations at every size on every database; the plans are those at the largest size."""
    for database in NAMES:
        reason = databases.missing(database)
        if reason is not None:
            yield [Comparison(labels=("all", database, ""), against=f"{SMALL:,}", not_measured=reason)], []
            continue
        with (
            _filled(cache, "small", database, databases) as small,
            _filled(cache, "large", database, databases) as large,
        ):
            small.fill(SMALL)
            for size in mode.sizes:
                large.fill(size)
                explained = plans(large, database) if size == mode.sizes[-1] else []
                yield _measured(small, large, (database, f"{size:,}"), mode.pairs), explained


@contextmanager
def _filled(cache: Path, name: str, database: str, databases: Databases) -> Iterator[FilledLedger]:
    folder = fresh_folder(cache / f"growth-{name}")
    environment = {"ANCHORHOLD_CA_DIR": str(folder / "ca"), "HOME": str(folder)}
    with databases.new(database) as url:
        if url:
            environment["ANCHORHOLD_DATABASE"] = url
        with anchorhold.open_installation(environment=environment) as installation:
            filled = FilledLedger(installation)
            with filled.issuer:
                yield filled
    fresh_folder(folder)  # a million certificates are not kept


def _measured(small: FilledLedger, large: FilledLedger, where: tuple[str, ...], pairs: int) -> list[Comparison]:
    lines = []
    for name, (operation, count) in OPERATIONS.items():
        sides = {
            "large": partial(_milliseconds, operation, large, count),
            "small": partial(_milliseconds, operation, small, count),
        }
        times = alternately(sides, pairs)
        lines.append(
            Comparison(
                labels=(name, *where), against=f"{SMALL:,}", ours=times["large"], theirs=times["small"], target=FLAT
            )
        )
    return lines


def _milliseconds(operation: Operation, filled: FilledLedger, count: int) -> float:
    """What the operation takes, once."""
    return operation(filled, count) / count * 1000
