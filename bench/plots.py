"""The plots of the page, as PNG and SVG. Needs matplotlib, which the page alone needs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.command import BenchError
from bench.growth.lines import SMALL
from bench.issuance.lines import DJANGO, DJANGO_WAL, LIMIT
from bench.startup import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.results import Comparison, Results

OURS, PEER, OTHER, BOUND, INK = "#0072b2", "#e69f00", "#cc79a7", "#b8b8b8", "#333333"
"""From the palette of Okabe and Ito, which people see alike whatever colours they tell apart."""
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "anchorhold",
}


def draw(results: Results, folder: Path) -> None:
    """Draw each part that was measured into the folder.

    Raises:
        BenchError: matplotlib is not installed.
    """
    try:
        # Found by name while it runs: it is in the benchmark's environment only, where no type checker looks.
        matplotlib: Any = import_module("matplotlib")
        matplotlib.use("agg")
        pyplot: Any = import_module("matplotlib.pyplot")
    except ImportError as error:
        raise BenchError("matplotlib is not installed, and the page has plots: `pip install matplotlib`") from error
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        for name, (plot, lines) in _plots(results).items():
            if lines:
                figure = plot(pyplot, lines)
                figure.savefig(folder / f"{name}.png", dpi=150)
                figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
                pyplot.close(figure)


def _plots(results: Results) -> dict[str, tuple[Callable[[Any, Sequence[Comparison]], Any], list[Comparison]]]:
    parts = {
        "startup": (_startup, results.startup),
        "issuance": (_issuance, results.issuance),
        "growth": (_growth, results.growth),
    }
    return {name: (plot, [line for line in lines if line.ours]) for name, (plot, lines) in parts.items()}


def _distinct(lines: Sequence[Comparison], label: int) -> list[str]:
    return list(dict.fromkeys(line.labels[label] for line in lines))


def _startup(pyplot: Any, lines: Sequence[Comparison]) -> Any:
    """A panel of horizontal bars for each command, on one scale."""
    commands = _distinct(lines, 0)
    panels = {command: [line for line in lines if line.labels[0] == command] for command in commands}
    heights = [len(panel) + 1.8 for panel in panels.values()]
    figure, axes = pyplot.subplots(
        len(commands), 1, sharex=True, height_ratios=heights, figsize=(8.5, 0.27 * sum(heights) + 1), squeeze=False
    )
    for axis, (command, panel) in zip(axes[:, 0], panels.items(), strict=True):
        _command_panel(axis, command, panel)
    axes[-1, 0].xaxis.set_major_formatter("{x:,.0f}")
    axes[-1, 0].set_xlabel("milliseconds from start to exit, median")
    _key(figure, pyplot, {"anchorhold": OURS, "peer": PEER, "limit: Python that only imports": BOUND})
    return _titled(figure, "How long a command takes: shorter is better")


def _command_panel(axis: Any, command: str, panel: Sequence[Comparison]) -> None:
    bars = [(f"anchorhold {command}", panel[0].our_median, OURS)]
    bars += [
        (line.against, line.their_median, BOUND if line.against in LIMITS.get(command, ()) else PEER) for line in panel
    ]
    bars.sort(key=lambda bar: bar[1])
    names, values, colours = zip(*bars, strict=True)
    drawn = axis.barh(names, values, color=colours, height=0.72)
    axis.bar_label(drawn, [f"{value:,.0f}" for value in values], padding=3)
    axis.set_title(command)
    axis.invert_yaxis()
    axis.grid(axis="x")
    axis.tick_params(axis="y", length=0)
    axis.margins(x=0.07)


def _issuance(pyplot: Any, lines: Sequence[Comparison]) -> Any:
    """A panel of grouped bars for each database and way of issuing."""
    databases, ways = _distinct(lines, 1), _distinct(lines, 2)
    figure, axes = pyplot.subplots(
        len(databases),
        len(ways),
        figsize=(12.5, 3.2 * len(databases) + 0.9),
        squeeze=False,
        width_ratios=[1.5, *[1.0] * (len(ways) - 1)],  # the first way is measured against more
    )
    for row, database in zip(axes, databases, strict=True):
        for axis, way in zip(row, ways, strict=True):
            panel = [line for line in lines if line.labels[1:] == (database, way)]
            _issuance_panel(axis, f"{database}, {way}", panel, _distinct(lines, 0))
    _key(figure, pyplot, {"anchorhold": OURS, LIMIT: BOUND, DJANGO: PEER, DJANGO_WAL: OTHER})
    return _titled(figure, "Certificates issued per second, by the authority's key: more is better")


def _issuance_panel(axis: Any, title: str, panel: Sequence[Comparison], kinds: Sequence[str]) -> None:
    rates = {
        OURS: {line.labels[0]: line.our_median for line in panel},
        BOUND: {line.labels[0]: line.their_median for line in panel if line.against == LIMIT},
        PEER: {line.labels[0]: line.their_median for line in panel if line.against == DJANGO},
        OTHER: {line.labels[0]: line.their_median for line in panel if line.against == DJANGO_WAL},
    }
    shown = {colour: values for colour, values in rates.items() if values}
    width = 0.84 / len(shown)
    for place, (colour, values) in enumerate(shown.items()):
        offset = (place - (len(shown) - 1) / 2) * width
        drawn = axis.bar(
            [kinds.index(kind) + offset for kind in values], list(values.values()), width * 0.94, color=colour
        )
        axis.bar_label(drawn, [f"{value:,.0f}" for value in values.values()], padding=2, fontsize=7)
    axis.set_xticks(range(len(kinds)), kinds)
    axis.set_xlim(-0.6, len(kinds) - 0.4)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set_title(title)
    axis.set_ylabel("certificates per second")
    axis.tick_params(axis="x", length=0)
    axis.grid(axis="y")
    axis.margins(y=0.1)
    for kind in set(kinds) - set(rates[OURS]):
        axis.text(kinds.index(kind), 0, " only in full runs", rotation=90, ha="center", va="bottom", fontsize=8)


def _growth(pyplot: Any, lines: Sequence[Comparison]) -> Any:
    """A panel of lines for each operation."""
    operations, databases = _distinct(lines, 0), _distinct(lines, 1)
    figure, axes = pyplot.subplots(2, (len(operations) + 1) // 2, figsize=(10.5, 6.4), squeeze=False)
    colours = dict(zip(databases, (OURS, PEER), strict=False))
    for axis in axes.flat[len(operations) :]:
        axis.remove()
    for axis, operation in zip(axes.flat, operations, strict=False):
        for database, marker in zip(databases, "os", strict=False):
            _growth_line(
                axis, [line for line in lines if line.labels[:2] == (operation, database)], colours[database], marker
            )
        _decades(axis, [SMALL, *(_number(line.labels[2]) for line in lines)])
        axis.set_ylim(bottom=0)
        axis.set_title(operation)
        axis.set_xlabel("certificates in the ledger")
        axis.set_ylabel("milliseconds each")
        axis.grid()
    _key(figure, pyplot, colours)
    return _titled(figure, "What an operation takes as the ledger grows: flat is good (median and range of all runs)")


def _decades(axis: Any, sizes: Sequence[int]) -> None:
    """An axis of tens, hundreds, thousands, written out."""
    axis.set_xscale("log")
    ticks = [10**power for power in range(len(str(min(sizes))) - 1, len(str(max(sizes))))]
    axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.minorticks_off()
    axis.set_xlim(min(sizes) / 1.6, max(sizes) * 1.6)


def _growth_line(axis: Any, lines: Sequence[Comparison], colour: str, marker: str) -> None:
    small = tuple(time for line in lines for time in line.theirs)
    points = [(SMALL, small), *((_number(line.labels[2]), line.ours) for line in lines)]
    sizes = [size for size, _ in points]
    axis.fill_between(
        sizes, [min(times) for _, times in points], [max(times) for _, times in points], color=colour, alpha=0.15, lw=0
    )
    axis.plot(sizes, [sorted(times)[len(times) // 2] for _, times in points], color=colour, marker=marker, lw=1.8)


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _key(figure: Any, pyplot: Any, colours: Mapping[str, str]) -> None:
    """A legend below the title, for all panels."""
    patches = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in colours.values()]
    inches = figure.get_size_inches()[1]
    place = (0.012, 1 - 0.4 / inches)
    figure.legend(patches, list(colours), ncols=len(colours), loc="upper left", bbox_to_anchor=place, borderpad=0)


def _titled(figure: Any, title: str) -> Any:
    inches = figure.get_size_inches()[1]
    figure.text(0.016, 1 - 0.12 / inches, title, ha="left", va="top", fontsize=12, fontweight="bold")
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.65 / inches), h_pad=1.6)
    return figure
