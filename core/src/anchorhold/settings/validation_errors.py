"""Validation errors as one sentence with the path to the key and the nearest known one."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from anchorhold.errors import SettingsError
from anchorhold.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def first_error(
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
        fields = _model_at(model, location[:-1]).model_fields
        known = sorted(field.alias or name for name, field in fields.items())
        meant = _as_here(location[-1])
        if meant in known:
            return f"{key} is not known", f"write {meant}: names are in lower case here, and tables are TOML"
        return f"{key} is not known", suggestion(location[-1], known, "known here: {}")
    if problem["type"] == "missing":
        return f"{key} is missing", "add it"
    if problem["type"] == "string_pattern_mismatch":
        return f"{key} is not a valid name", "use lower-case letters, digits and single hyphens"
    kind = next((words for ending, words in _KINDS.items() if problem["type"].endswith(ending)), None)
    if kind is not None:
        return f"{key}: {kind}", "correct the value"
    message = problem["msg"].removeprefix("Value error, ") or "is not a valid value"  # validators may say nothing
    return f"{key}: {message[0].lower()}{message[1:]}", "correct the value"


_KINDS = {
    "tuple_type": "is not a list",
    "list_type": "is not a list",
    "path_type": "is not the path of a file or folder",
    "model_type": "is not a table (a dictionary of keys and values)",
    "dataclass_type": "is not a table (a dictionary of keys and values)",
    "dict_type": "is not a table (a dictionary of keys and values)",
}
"""What is said by the endings of types of problems of which pydantic says classes."""
_ELSEWHERE = {"DATABASES": "database"}
"""Names that Django and django-ca have for what is called otherwise here."""


def _as_here(name: str) -> str:
    """What a name as django-ca writes it (CA_KEY_BACKENDS, BACKEND) is called here."""
    here = _ELSEWHERE.get(name, name.lower())
    return here if here == "ca_dir" else here.removeprefix("ca_")


def _model_at(model: type[BaseModel], location: Sequence[str]) -> type[BaseModel]:
    """The model that the keys at that location belong to."""
    current: Any = model
    for part in location:
        current = _plain(_inside(current, part))
    return current if _is_model(current) else BaseModel


def _inside(kind: Any, part: str) -> Any:
    """What is in a model, table or array at that key."""
    if _is_model(kind):
        fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return fields.get(part)
    inner = get_args(kind)
    return inner[1] if get_origin(kind) is dict else inner[0] if inner else None


def _plain(kind: Any) -> Any:
    """A type without its annotations, and of several the model."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) is types.UnionType:
        return next((each for each in get_args(kind) if _is_model(each)), kind)
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
