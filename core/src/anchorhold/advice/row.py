"""One row of the table: what was tried with which programs, and what those said that refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from anchorhold.advice.programs import members

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Case: TypeAlias = Literal["authority", "certificate", "list", "responder", "key file"]
"""What a program refuses because of it: all that an authority signs, one certificate, a CRL, an answer, a key."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one thing.

    Attributes:
        case: What is refused.
        what: Because of what.
        refused: What each program says that refuses it, by name.
        tried: All programs that were tried.
        only: When it is refused, if not always.
    """

    case: Case
    what: str
    refused: Mapping[str, str]
    tried: frozenset[str]
    only: str | None = None


def row(
    case: Case,
    what: str,
    tried: Iterable[str],
    refused: Mapping[str, str] | None = None,
    *,
    untried: Iterable[str] = (),
    only: str | None = None,
) -> Row:
    """A row, written with names that may stand for several versions."""
    said = {each: words for name, words in (refused or {}).items() for each in spread((name,))}
    return Row(case, what, MappingProxyType(said), spread(tried) - spread(untried), only)


def spread(names: Iterable[str]) -> frozenset[str]:
    """All the programs that names stand for, each of at least one.

    Raises:
        KeyError: A name stands for none.
    """
    meant = {name: members(name) for name in names}
    for name, found in meant.items():
        if not found:
            raise KeyError(name)
    return frozenset(each for found in meant.values() for each in found)
