"""Spans of time as people write them: one grammar for every option that takes one."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import ValidityError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

UNITS: Final = {
    "s": dt.timedelta(seconds=1),
    "m": dt.timedelta(minutes=1),
    "h": dt.timedelta(hours=1),
    "d": dt.timedelta(days=1),
    "w": dt.timedelta(days=7),
    "mo": dt.timedelta(days=30),
    "y": dt.timedelta(days=365),
}
"""What can stand behind a number; a month has 30 days and a year 365, whenever it begins."""
EXAMPLES: Final = "30s, 15m, 12h, 7d, 2w, 6mo, 1y, or ISO 8601 such as P90D"
"""For help texts and messages."""

_DURATION: Final = re.compile(r"(?:[0-9]{1,9} ?(?:mo|[smhdwy]) ?)+")
_PART: Final = re.compile(r"([0-9]+) ?(mo|[smhdwy])")
_ISO: Final = re.compile(
    r"P(?!$)(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?"
)
_ISO_UNITS: Final = ("y", "mo", "w", "d", "h", "m", "s")


def parse_duration(text: str, what: str = "span", *, bare: str | None = None) -> dt.timedelta:
    """Read a span: numbers with units (``12h``, ``6mo``, ``1y6mo``), or a duration of ISO 8601 (``P1Y``, ``PT15M``).

    Args:
        text: As typed.
        what: What it is, for messages.
        bare: The unit of a number without one, which may have a decimal point; None if there has to be one.

    Raises:
        ValidityError: It cannot be read, or is zero.
    """
    try:
        span = _read(text.strip(), what, bare)
    except OverflowError:
        raise ValidityError(f"{what} {text!r}: is too long", hint="give a shorter one") from None
    if span is None:
        raise ValidityError(f"{what} {text!r}: cannot be read", hint=f"give for example {EXAMPLES}")
    if not span:
        raise ValidityError(f"{what} {text!r}: is zero", hint=f"give for example {EXAMPLES}")
    return span


def amount_of(text: str, unit: str, what: str = "span") -> int | float:
    """How many of a unit a span has that people wrote; a number without a unit is of that one.

    Raises:
        ValidityError: See `parse_duration`.
    """
    amount = parse_duration(text, what, bare=unit) / UNITS[unit]
    return int(amount) if amount.is_integer() else amount


@dataclass(frozen=True, slots=True)
class DurationIn:
    """For a field of an options model that is a number of some unit: a number is taken as it is, a text read as a span.

    ``Annotated[float, Field(gt=0), DurationIn("s")]`` takes ``1.5``, ``"90s"`` and ``"2m"``.

    Attributes:
        unit: One of `UNITS`.
    """

    unit: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def _read(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return 0 if value.strip() == "0" else amount_of(value, self.unit)
        except ValidityError as error:
            raise ValueError(f"{error.problem}; {error.hint}") from None


def is_duration(text: str) -> bool:
    """Whether something was written as a span, with a unit or as ISO 8601 says, right or not, and not as a date."""
    return re.fullmatch(r"\s*(P.*|[0-9]+\s*[A-Za-z].*)", text, re.IGNORECASE | re.DOTALL) is not None


def _read(text: str, what: str, bare: str | None) -> dt.timedelta | None:
    if bare is not None and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        return float(text) * UNITS[bare]
    iso = _ISO.fullmatch(text.upper())
    if iso is not None:
        given = zip(iso.groups(default="0"), _ISO_UNITS, strict=True)
        return sum((int(number) * UNITS[unit] for number, unit in given), dt.timedelta())
    if re.search("[0-9] ?M(?![Oo])", text) and text[:1] not in ("P", "p"):
        raise ValidityError(f"{what} {text!r}: M may be months or minutes", hint="write mo for months, m for minutes")
    if not _DURATION.fullmatch(text.lower()):
        return None
    parts = _PART.findall(text.lower())
    units = [unit for _, unit in parts]
    if sorted(set(units), key=_size, reverse=True) != units:  # 1d1y, 1h1h: more likely a slip than a sum
        return None
    return sum((int(number) * UNITS[unit] for number, unit in parts), dt.timedelta())


def _size(unit: str) -> dt.timedelta:
    return UNITS[unit]
