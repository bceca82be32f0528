"""What programs refuse of the features that something has, as values, lines and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.advice.programs import MEASURED, PROGRAMS, shortened
from anchorhold.advice.rows import row_of, tried_with
from anchorhold.errors import NotAcceptedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorhold.advice.features import Feature
    from anchorhold.advice.programs import Program
    from anchorhold.advice.row import Case, Row

_MOST_NOTES: Final = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """One program that refuses something.

    Attributes:
        program: Which one.
        says: What it says.
    """

    program: Program
    says: str

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"program": self.program.name, "version": self.program.version or None, "says": self.says}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, and the programs that refuse it.

    Attributes:
        case: What is refused: all that an ``authority`` signs, a ``certificate``, a ``list``, the answers of a
            ``responder``, a ``key file``.
        what: Because of what.
        refused_by: By whom.
        only: When, if not always.
        measured_with: What was measured, if not this but the nearest thing to it.
    """

    case: Case
    what: str
    refused_by: tuple[Refusal, ...]
    only: str | None = None
    measured_with: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it; documented in docs/json.md."""
        return {
            "case": self.case,
            "what": self.what,
            "only": self.only,
            "measured_with": self.measured_with,
            "measured": MEASURED,
            "refused_by": [each.to_json() for each in self.refused_by],
        }


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """One thing of which it is not known who refuses it.

    Attributes:
        case: As in `Finding`.
        what: As in `Finding`.
        programs: Those that were asked about and not tried; none if no program was tried.
    """

    case: Case
    what: str
    programs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.what} ({self.case})" + (f" with {', '.join(self.programs)}" if self.programs else "")

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"case": self.case, "what": self.what, "programs": list(self.programs)}


@dataclass(frozen=True, slots=True)
class Advice:
    """Which programs refuse something, as far as it was measured.

    Attributes:
        subject: What it is about.
        findings: What is refused.
        unmeasured: What nobody knows.
    """

    subject: str
    findings: tuple[Finding, ...]
    unmeasured: tuple[Unmeasured, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it; documented in docs/json.md."""
        return {
            "subject": self.subject,
            "advice": [each.to_json() for each in self.findings],
            "unmeasured": [each.to_json() for each in self.unmeasured],
        }

    def notes(self) -> list[str]:
        """The same in a few sentences without full stops."""
        lines = [self._note(what) for what in dict.fromkeys(finding.what for finding in self.findings)]
        more = len(lines) - _MOST_NOTES
        return lines if more <= 0 else [*lines[:_MOST_NOTES], f"{more} more: refused by some programs"]

    def check(self) -> None:
        """Raise if anything is refused.

        Raises:
            NotAcceptedError: With the first finding.
        """
        if not self.findings:
            return
        first = self.findings[0]
        said = ", ".join(f"{each.program.name} ({each.says})" for each in first.refused_by)
        more = f", and {len(self.findings) - 1} more" if self.findings[1:] else ""
        raise NotAcceptedError(
            f"{self.subject}: {first.what} ({first.case}) is refused by {said}{more}",
            hint="choose something else, or leave out these programs",
        )

    def _note(self, what: str) -> str:
        found = [finding for finding in self.findings if finding.what == what]
        names = shortened(each.program.name for finding in found for each in finding.refused_by)
        only = f" (only {found[0].only})" if found[0].only else ""
        return f"{what}: refused by {', '.join(names)}{only}"


def advise(subject: str, features: Iterable[Feature], programs: Iterable[str] = ()) -> Advice:
    """Look features up in the table.

    Args:
        subject: What has them.
        features: Each is looked up once.
        programs: From `anchorhold.advice.programs.named`: only these are asked about; by default all that are widely
            used.
    """
    wanted = frozenset(programs)
    findings, unmeasured = [], []
    for feature in dict.fromkeys(features):
        row = row_of(feature.case, feature.what)
        if row is None:
            unmeasured.append(Unmeasured(feature.case, feature.what))
            continue
        refused = _refused(row, wanted)
        if refused:
            nearest = None if row.what == feature.what else row.what
            findings.append(Finding(feature.case, feature.what, refused, row.only, nearest))
        able = tried_with(feature.case)
        untried = [name for name in PROGRAMS if name in wanted & able and not _readers(name) & row.tried]
        if untried:
            unmeasured.append(Unmeasured(feature.case, feature.what, tuple(untried)))
    return Advice(subject, tuple(findings), tuple(unmeasured))


def _refused(row: Row, wanted: frozenset[str]) -> tuple[Refusal, ...]:
    """What programs say that refuse it; of a program that was not tried, what its library says."""
    asked: Sequence[str] = [name for name in PROGRAMS if name in wanted or not (wanted or PROGRAMS[name].narrow)]
    said = {name: row.refused.get(name) for name in asked}
    for name in wanted - row.tried:
        said[name] = row.refused.get(PROGRAMS[name].library or name)
    return tuple(Refusal(PROGRAMS[name], says) for name, says in said.items() if says is not None)


def _readers(name: str) -> frozenset[str]:
    """A program, and the library that it reads certificates with."""
    return frozenset(filter(None, (name, PROGRAMS[name].library)))
