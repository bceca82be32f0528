"""The page docs/commands.md: every command with its arguments and options, from the program itself."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from anchorhold.cli.command_builder import build_command
from anchorhold.cli.command_table import COMMANDS
from anchorhold.cli.examples import EXAMPLES
from anchorhold.cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
# Commands

Global options precede the name of a command: `--config FILE` names the settings file, `--timeout SECONDS` limits how
long the command waits for keys, `--debug` prints the traceback of an error, `--version` and `--help`. This page shows
the options of an installation without settings, whose only key backend stores keys in files. Each configured alias
adds its own options, prefixed with its name; `--help` shows them.

<!-- Generated: python tests/guide/commands_page.py > docs/commands.md -->
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(
        section for name in COMMANDS for section in _sections((name,), build_command(name, GlobalOptions()))
    )


def _sections(names: tuple[str, ...], command: Any) -> Iterator[str]:
    if subcommands := getattr(command, "commands", None):
        for name, subcommand in subcommands.items():
            yield from _sections((*names, name), subcommand)
        return
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    line = " ".join(["anchorhold", *names, *map(_written, arguments), "[OPTIONS]"])
    rows = [f"| `{_written(each)}` | {_cell(each)} |" for each in arguments]
    rows += [f"| `{_flags(each)}` | {_cell(each)} |" for each in options]
    yield (
        f"\n## {' '.join(names)}\n\n{_text(command.help)}\n\n    {line}\n\n| | |\n|---|---|\n" + "\n".join(rows) + "\n"
    )
    yield "".join(["\nExamples:\n\n", *(f"    {example}\n" for example in EXAMPLES[" ".join(names)])])


def _written(argument: Any) -> str:
    name = (argument.metavar or argument.name).upper()
    return f"{name if argument.required else f'[{name}]'}{'...' if argument.nargs != 1 else ''}"


def _flags(option: Any) -> str:
    flags = ", ".join([*option.opts, *option.secondary_opts])
    return flags if option.is_flag else f"{flags} {option.metavar or _kind(option.type_descriptor.annotation)}"


def _kind(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "/".join(str(each.value) for each in annotation)
    return str(getattr(annotation, "__name__", annotation)).upper()


def _cell(parameter: Any) -> str:
    text = _text(parameter.help).replace("|", r"\|")
    panel = getattr(parameter, "rich_help_panel", None) or ""
    return f"{panel}: {text}" if panel.startswith("Key backend") else text


def _text(text: str | None) -> str:
    return " ".join((text or "").replace(r"\[", "[").split())


if __name__ == "__main__":
    print(page(), end="")
