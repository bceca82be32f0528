"""The tables of a run, as text for the terminal and as Markdown for a page."""

from collections.abc import Mapping, Sequence

from bench.measure import Paired
from bench.startup import Line

HEADINGS = ("command", "against", "ours ms", "against ms", "ratio", "spread", "target", "met")

Row = Sequence[str]


def row(line: Line, paired: Paired) -> Row:
    """Return a line's cells, under ``HEADINGS``."""
    low, high = paired.spread
    times = (f"{paired.ours_median:.1f}", f"{paired.peer_median:.1f}", f"{paired.ratio:.2f}", f"{low:.2f}..{high:.2f}")
    if line.target is None:
        return (line.name, line.against, *times, "", "")
    met = "yes" if paired.ratio <= line.target else "no"
    return (line.name, line.against, *times, f"<= {line.target:.2f}", met)


def as_text(facts: Mapping[str, str], headings: Row, rows: Sequence[Row]) -> str:
    """Return the facts and the table with its columns aligned."""
    width = max(map(len, facts), default=0)
    stated = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return "\n".join([*stated, "", *(_aligned(cells, widths) for cells in (headings, *rows))]).lstrip()


def as_markdown(facts: Mapping[str, str], headings: Row, rows: Sequence[Row]) -> str:
    """Return the facts as a list and the table as a Markdown table."""
    stated = [f"- {name}: {value}" for name, value in facts.items()]
    table = [_piped(headings), _piped(["---"] * len(headings)), *map(_piped, rows)]
    return "\n".join([*stated, "", *table]).lstrip()


def _aligned(cells: Row, widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _piped(cells: Row) -> str:
    return f"| {' | '.join(cells)} |"
