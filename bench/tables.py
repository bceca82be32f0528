"""The tables of a run, as text for the terminal and as Markdown for a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.results import Comparison, Results

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells below headings, with remarks beneath them."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    remarks: Sequence[str] = ()

    def as_text(self) -> str:
        """With aligned columns."""
        widths = [max(map(len, column)) for column in zip(self.headings, *self.rows, strict=True)]
        lines = (
            "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
            for cells in (self.headings, tuple("-" * width for width in widths), *self.rows)
        )
        return "\n".join([self.title, "", *lines, *self.remarks])

    def as_markdown(self) -> str:
        """Without the title: the page has headings of its own."""
        rows = (self.headings, ("---",) * len(self.headings), *self.rows)
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
        return "\n\n".join([table, *("- " + remark for remark in self.remarks)])


def facts_table(results: Results) -> Table:
    """What the run depends on."""
    return Table(title="Machine and versions", headings=("what", "value"), rows=tuple(results.facts.items()))


def startup_table(results: Results) -> Table:
    """The start-up part."""
    return _compared("Start-up", ("command", "against", "ours ms", "theirs ms"), results.startup, ".1f")


def issuance_table(results: Results) -> Table:
    """The issuance part."""
    headings = ("key", "ledger", "how", "against", "ours /s", "theirs /s")
    return _compared("Issuance", headings, results.issuance, ".0f")


def token_table(results: Results) -> Table:
    """The token part."""
    return _compared("Keys in a token", ("key", "what", "against", "ours /s", "theirs /s"), results.token, ".0f")


def crl_table(results: Results) -> Table:
    """The CRL part."""
    return _compared("Revocation lists", ("what", "revoked", "against", "ours", "theirs"), results.crl, ".2f")


def ocsp_table(results: Results) -> Table:
    """The OCSP part."""
    return _compared("OCSP", ("what", "server", "against", "ours /s", "theirs /s"), results.ocsp, ".0f")


def growth_table(results: Results) -> Table:
    """The growth part."""
    headings = ("operation", "ledger", "certificates", "against", "ms", "ms with those")
    return _compared("Growth of the ledger", headings, results.growth, ".3f")


def plans_table(results: Results) -> Table:
    """How the databases find what the operations look for."""
    rows = [(plan.operation, plan.database, plan.steps, "no" if plan.scans else "yes") for plan in results.plans]
    return Table(title="Query plans", headings=("operation", "ledger", "plan", "uses an index"), rows=rows)


def memory_table(results: Results) -> Table:
    """The memory part."""
    rows = [
        (
            line.how,
            *(f"{size:.1f} after {number:,}" for size, number in zip(line.megabytes, line.certificates, strict=True)),
            f"{line.growth:+.1f}",
            f"< {line.limit:.1f}",
            _yes(line.growth < line.limit),
        )
        for line in results.memory
    ]
    headings = ("how", "resident MB", "resident MB later", "growth", "target", "met")
    return Table(title="Memory of one process", headings=headings, rows=rows)


def distant_table(results: Results) -> Table:
    """The distant part."""
    return _compared("Keys across a network", ("what", "how", "against", "ours", "at most"), results.distant, ".2f")


def lent_table(results: Results) -> Table:
    """The lent part."""
    return _compared("Keys on another host", ("what", "broker", "against", "ours", "theirs"), results.lent, ".1f")


def serving_table(results: Results) -> Table:
    """The serving part."""
    headings = ("what", "ledger", "against", "ours", "at most")
    return _compared("A server with many authorities", headings, results.serving, ".2f")


TABLES: dict[str, Callable[[Results], Table]] = {
    "facts": facts_table,
    "startup": startup_table,
    "issuance": issuance_table,
    "token": token_table,
    "crl": crl_table,
    "ocsp": ocsp_table,
    "growth": growth_table,
    "plans": plans_table,
    "memory": memory_table,
    "distant": distant_table,
    "lent": lent_table,
    "serving": serving_table,
}
"""By name, in the order in which they are printed."""


def _compared(title: str, headings: tuple[str, ...], lines: Sequence[Comparison], figures: str) -> Table:
    reasons = dict.fromkeys(line.not_measured for line in lines if line.not_measured)
    remarks = [_remark(reason, [line for line in lines if line.not_measured == reason]) for reason in reasons]
    rows = [(*line.labels, line.against, *_cells(line, figures)) for line in lines]
    return Table(title=title, headings=(*headings, "ratio", "spread", "target", "met"), rows=rows, remarks=remarks)


def _remark(reason: str, lines: Sequence[Comparison]) -> str:
    names = (", ".join((*filter(None, line.labels), line.against)) for line in lines)
    return f"{NOT_MEASURED}: {'; '.join(names)}: {reason}"


def _cells(line: Comparison, figures: str) -> tuple[str, ...]:
    if line.not_measured:
        return (NOT_MEASURED, "", "", "", "", "")
    low, high = line.spread
    medians = (f"{line.our_median:{figures}}", f"{line.their_median:{figures}}")
    target = "" if line.target is None else str(line.target)
    met = "" if line.met is None else _yes(line.met)
    return (*medians, f"{line.ratio:.2f}", f"{low:.2f}..{high:.2f}", target, met)


def _yes(true: bool) -> str:
    return "yes" if true else "no"
