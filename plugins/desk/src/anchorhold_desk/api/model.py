"""What the models of REST have in common, and the kinds of values in them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")


class Model(BaseModel):
    """Unknown members are errors, and so is a number where a text belongs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Query(BaseModel):
    """Parameters of a query, which are all texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _read_moment(value: object) -> dt.datetime:
    """Read a moment of RFC 3339, and nothing that is only like one."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("is not a moment; write it as 2026-11-29T12:00:00Z")
    try:
        return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a moment that there is") from None


def _read_flag(value: object) -> object:
    if value not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return value


def _read_number(value: object) -> object:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ValueError("is not a number")
    return value


_DATE_TIME: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
Moment = Annotated[dt.datetime, BeforeValidator(_read_moment, json_schema_input_type=str), Field()]
"""A moment that is given."""
Flag = Annotated[bool, BeforeValidator(_read_flag)]
"""``true`` or ``false`` in a query."""
PageSize = Annotated[int, BeforeValidator(_read_number), Field(ge=1, le=1000)]
Told = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A moment that is told: ISO 8601, UTC."""
Line = Annotated[str, Field(min_length=1, max_length=500, pattern=PRINTABLE)]
"""A line of text."""
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]
Secrets = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=64, pattern=PRINTABLE)], SecretStr],
    Field(
        max_length=10,
        default_factory=dict,
        description="Secrets for the key of the authority, by name, such as `pin`; kept nowhere.",
    ),
]
