"""What a run of the benchmark found, and its JSON form, from which tables and plots can be made again."""

from __future__ import annotations

import json
import operator
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SIGNS: Final = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The ratio to reach.

    Attributes:
        sign: ``<=`` or ``>=``.
        ratio: Ours to theirs.
    """

    sign: str
    ratio: float

    def __str__(self) -> str:
        return f"{self.sign} {self.ratio:.2f}"

    def met_by(self, ratio: float) -> bool:
        """Whether this ratio reaches it."""
        return bool(_SIGNS[self.sign](ratio, self.ratio))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One line: what was measured on our side and on another one, run alternately.

    Attributes:
        labels: What was measured, such as ``("EC P-256", "SQLite", "one at a time")``.
        against: The other side.
        ours: Our values, pair by pair.
        theirs: The other side's values, in the same order.
        target: The ratio to reach, if there is one.
        not_measured: Why there are no values.
    """

    labels: tuple[str, ...]
    against: str
    ours: tuple[float, ...] = ()
    theirs: tuple[float, ...] = ()
    target: Target | None = None
    not_measured: str = ""

    @property
    def our_median(self) -> float:
        """The median of our values."""
        return median(self.ours)

    @property
    def their_median(self) -> float:
        """The median of the other side's values."""
        return median(self.theirs)

    @property
    def ratio(self) -> float:
        """The ratio of the medians, ours to theirs."""
        return self.our_median / self.their_median

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a single pair, which tell how far to trust the ratio."""
        ratios = [our / their for our, their in zip(self.ours, self.theirs, strict=True)]
        return min(ratios), max(ratios)

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if there is none."""
        return None if self.target is None else self.target.met_by(self.ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a database finds the rows of a statement.

    Attributes:
        operation: What the statement is for.
        database: Which database says so.
        steps: Its own words, without figures of cost.
        scans: Whether it reads a whole table.
    """

    operation: str
    database: str
    steps: str
    scans: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The resident size of one process at two moments.

    Attributes:
        how: How it issues.
        certificates: How many were issued by then, before and after.
        megabytes: Resident size (10^6 octets), before and after.
        limit: By how much it may have grown, in the same unit.
    """

    how: str
    certificates: tuple[int, int]
    megabytes: tuple[float, float]
    limit: float

    @property
    def growth(self) -> float:
        """The difference."""
        return self.megabytes[1] - self.megabytes[0]


@dataclass(slots=True, kw_only=True)
class Results:
    """All of a run; a part that was not asked for is empty.

    Attributes:
        facts: What the run depends on.
        startup: Commands, in milliseconds.
        issuance: In certificates per second.
        token: Keys in a token, in signatures or certificates per second.
        crl: Lists of revoked certificates, in the unit that each line says.
        ocsp: Of our server, in answers per second.
        growth: Operations on a ledger, in milliseconds.
        plans: How the databases find what those look for.
        memory: Of processes that issue.
        distant: Keys across a network, in the unit that each line says.
        lent: Keys on another host, in the unit that each line says.
        serving: A server with many authorities, in the unit that each line says.
    """

    facts: dict[str, str] = field(default_factory=dict)
    startup: list[Comparison] = field(default_factory=list)
    issuance: list[Comparison] = field(default_factory=list)
    token: list[Comparison] = field(default_factory=list)
    crl: list[Comparison] = field(default_factory=list)
    ocsp: list[Comparison] = field(default_factory=list)
    growth: list[Comparison] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    distant: list[Comparison] = field(default_factory=list)
    lent: list[Comparison] = field(default_factory=list)
    serving: list[Comparison] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write them as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `write` wrote."""
        stored = json.loads(path.read_text())
        return cls(
            facts=stored["facts"],
            startup=_comparisons(stored["startup"]),
            issuance=_comparisons(stored["issuance"]),
            token=_comparisons(stored["token"]),
            crl=_comparisons(stored["crl"]),
            ocsp=_comparisons(stored["ocsp"]),
            growth=_comparisons(stored["growth"]),
            plans=[Plan(**plan) for plan in stored["plans"]],
            memory=[Memory(**_tuples(line)) for line in stored["memory"]],
            distant=_comparisons(stored.get("distant", ())),
            lent=_comparisons(stored.get("lent", ())),
            serving=_comparisons(stored.get("serving", ())),
        )


def _comparisons(stored: Iterable[dict[str, Any]]) -> list[Comparison]:
    return [
        Comparison(**{**_tuples(line), "target": None if line["target"] is None else Target(**line["target"])})
        for line in stored
    ]


def _tuples(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
