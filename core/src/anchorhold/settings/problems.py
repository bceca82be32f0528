"""Validation errors as one sentence with the path to the key and the nearest known one."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from anchorhold.errors import SettingsError
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def first_problem(
    error: ValidationError, model: type[BaseModel], where: str, prefix: Sequence[str] = ()
) -> SettingsError:
    """The first thing that is wrong, as an error to raise.

    Args:
        error: From pydantic.
        model: The model that was validated.
        where: The file, for the message.
        prefix: Path of keys down to the part that was validated.
    """
    problems = error.errors(include_url=False, include_input=False)
    problems.sort(key=lambda problem: problem["type"] != "extra_forbidden")  # a misspelt key is missing too
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    problem, hint = _sentence(problems[0], model, prefix)
    return SettingsError(f"{where}: {problem}{more}", hint=hint)


def _sentence(problem: ErrorDetails, model: type[BaseModel], prefix: Sequence[str]) -> tuple[str, str]:
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    key = ".".join([*prefix, *location])
    if problem["type"] == "extra_forbidden":
        known = sorted(_model_at(model, location[:-1]).model_fields)
        return f"{key} is not known", suggestion(location[-1], known, "known here: {}")
    if problem["type"] == "missing":
        return f"{key} is missing", "add it"
    if problem["type"] == "string_pattern_mismatch":
        return f"{key} is not a good name", "use lower-case letters, digits and single hyphens"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}", "correct the value"


def _model_at(model: type[BaseModel], location: Sequence[str]) -> type[BaseModel]:
    """The model that the keys at that location belong to."""
    current: Any = model
    for part in location:
        if _is_model(current):
            current = current.model_fields[part].annotation
        elif get_origin(current) is dict:
            current = get_args(current)[1]
        if get_origin(current) in (types.UnionType,):
            current = next((kind for kind in get_args(current) if _is_model(kind)), current)
    return current if _is_model(current) else BaseModel


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
