"""How a command that fails says so: in one line, or as one JSON object where its result was to be JSON."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from anchorhold.cli.command_table import COMMANDS, canonical
from anchorhold.cli.redaction import redacted
from anchorhold.cli.remedies import command_of, sentence
from anchorhold.parser_errors import abbreviated, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.errors import AnchorholdError

USAGE_CODE: Final = "usage-error"
"""Code of wrong usage of the command line, which has no class in `anchorhold.errors`."""
_WITH_VALUE: Final = ("--config", "-c", "--timeout")
_FORMAT: Final = ("--output-format", "-f")


def report(error: AnchorholdError, arguments: Sequence[str]) -> None:
    """Print an error to standard error.

    Args:
        error: The error.
        arguments: Of the command line, without the name of the program.
    """
    if wants_json(arguments):
        command = None if error.remedy is None else command_of(error.remedy)
        _print_object({**error.to_json(), "command": command, "exit_code": error.exit_code}, arguments)
    else:
        line = redacted(f"anchorhold: {sentence(error)}", arguments, telling=True)
        _print(abbreviated(" ".join(printable(line).split())))


def report_usage(problem: str, hint: str, exit_code: int, arguments: Sequence[str]) -> None:
    """Print wrong usage of the command line as a JSON object; as text, typer does.

    Args:
        problem: What is wrong.
        hint: What to do.
        exit_code: Of the command.
        arguments: Of the command line, without the name of the program.
    """
    _print_object(
        {
            "code": USAGE_CODE,
            "title": "Usage error",
            "detail": problem,
            "hint": hint,
            "remedy": None,
            "command": None,
            "exit_code": exit_code,
        },
        arguments,
    )


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether the command has ``--output-format``, and it was given as ``json``."""
    name, rest = _command_in(arguments)
    command = COMMANDS.get(canonical(name))
    if command is None or not command.target or _format_in(rest) != "json":
        return False
    module, _, attribute = command.target.partition(":")
    target = getattr(importlib.import_module(f"anchorhold.cli.commands.{module}"), attribute)
    return "output_format" in inspect.signature(target).parameters


def _command_in(arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The name of the command, and what follows it; an empty name if there is none."""
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        position += 2 if arguments[position] in _WITH_VALUE else 1
    return (arguments[position] if position < len(arguments) else ""), arguments[position + 1 :]


def _format_in(arguments: Sequence[str]) -> str | None:
    """The format that was given last; it need not be right, nor the rest of the command line."""
    long, short = _FORMAT
    found = None
    for argument, following in zip(arguments, (*arguments[1:], ""), strict=False):
        if argument == "--":
            break
        if argument in _FORMAT:
            found = following
        elif argument.startswith(f"{long}="):
            found = argument.partition("=")[2]
        elif argument.startswith(short):
            found = argument.removeprefix(short)
    return found


def _print_object(content: dict[str, Any], arguments: Sequence[str]) -> None:
    _print(json.dumps(_safe(content, arguments)))


def _safe(value: Any, arguments: Sequence[str]) -> Any:
    """The same without the secrets of the settings, in every text."""
    if isinstance(value, dict):
        return {name: _safe(each, arguments) for name, each in value.items()}
    if isinstance(value, list):
        return [_safe(each, arguments) for each in value]
    return abbreviated(printable(redacted(value, arguments, telling=True))) if isinstance(value, str) else value


def _print(line: str) -> None:
    if sys.stderr is not None:  # `print` would take standard output for it, which is for data
        print(line, file=sys.stderr)
