"""Each command that changes something is stopped at each of its steps; another one runs beside it; then it goes on.

The whole table takes hours: ``nox -s everything``. The tests run a part of it, of which each cell is one that no other
part has: which one, says ``ANCHORHOLD_TABLE`` as ``part/parts``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold.cli.command_table import COMMANDS
from interleaving.rows import ALONE, BESIDE, READING, ROWS, Row
from interleaving.rules import check_ending, check_installation, recover
from interleaving.stops import COMMITTING
from interleaving.world import copied

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from interleaving.world import Ended, World

PART, PARTS = (int(number) for number in os.environ.get("ANCHORHOLD_TABLE", "0/1000").split("/"))
LEFT_BEFORE: Final = ("Torn", "Moving")
"""Authorities that were left half done before the two commands ran."""
TAKING_OVER: Final = ("recover", "maintain", "regenerate-ocsp-keys", "init-ca", "import-ca", "move-key")
"""Commands that may do something else where another one has stood still for so long that it counts as dead."""


def test_every_command_has_a_row_or_is_known_to_change_nothing() -> None:
    changing = {row.arguments[0] for row in ROWS}
    assert changing | READING | ALONE == set(COMMANDS)
    assert not changing & (READING | ALONE)


@pytest.mark.slow(because="several cells of the table, each of two commands and two copies of a ledger")
@pytest.mark.parametrize("first", ROWS, ids=lambda row: row.name)
def test_whatever_runs_beside_a_command_that_stands_still(first: Row, original: World, tmp_path: Path) -> None:
    with copied(original, tmp_path / "rehearsal") as world:
        alone = world.run(*first.words(world))
        check_ending(alone)
        assert alone.code == 0, alone
    cells = [
        (at, late, second)
        for at, step in enumerate(alone.steps)
        for late in (False, True)
        for second in BESIDE
        if not late or (step != COMMITTING and second.arguments[0] in TAKING_OVER)
    ]
    offset = (ROWS.index(first) * 31 + PART) % PARTS
    for at, late, second in cells[offset::PARTS]:
        with copied(original, tmp_path / "cell") as world:
            _try(world, first, at, second, late=late)


def _try(world: World, first: Row, at: int, second: Row, *, late: bool) -> None:
    """One cell of the table."""
    stopped = world.run(*first.words(world), at=at)
    assert stopped.code is None, stopped
    cell = (
        f"{first.name!r} stopped at step {at} ({stopped.steps[-1]}){', late' if late else ''}, {second.name!r} beside"
    )
    try:
        if late:
            world.let_time_pass()
        beside = world.run(*second.words(world))
    finally:
        ended = world.resume(stopped)
    try:
        for one in (beside, ended):
            check_ending(one)
        if second.name == "edit-ca Sub --disable" and first.name.startswith("sign-cert") and not beside.code:
            assert ended.code or "a commit was done" in stopped.steps
        words = " ".join((*first.arguments, *second.arguments))
        recover(world, [name for name in LEFT_BEFORE if name not in words])
        with world.opened() as installation:
            _check_promises(world, installation, [(first, ended), (second, beside)])
            check_installation(world, installation)
    except BaseException as error:
        error.add_note(f"{cell}\n{beside}\n{ended}")
        raise


def _check_promises(world: World, installation: Installation, ended: list[tuple[Row, Ended]]) -> None:
    done = {row.name for row, one in ended if one.code == 0}
    for row, one in ended:
        spoilt = any(other.startswith(word) for other in done - {row.name} for word in row.spoils)
        if one.code == 0 and not spoilt:
            row.promise(world, installation)
