"""Measuring in turn: whatever else the machine does falls on all sides alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Side: TypeAlias = "Callable[[], float]"
"""Does the work once, and returns what was measured."""


def alternately(sides: Mapping[str, Side], rounds: int) -> dict[str, tuple[float, ...]]:
    """Run every side once to warm up, then all in turn (A B C A B C …); return what each measured, round by round."""
    for side in sides.values():
        side()
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            measured[name].append(side())
    return {name: tuple(values) for name, values in measured.items()}
