"""How the help of a command looks: usage in man-page notation, no types of flags and arguments, examples at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from anchorhold.cli.examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable


class HelpfulCommand(TyperCommand):
    """A command whose help shows arguments and flags without their Python types."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            _hide_type(parameter)

    def get_help_option(self, ctx: Any) -> Any:
        """``--help``, a flag like others."""
        return _as_flag(super().get_help_option(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """``[OPTIONS] NAME [FILE] [CA]...``."""
        return [self.options_metavar or "", *(_usage(each) for each in self.params if each.param_type_name != "option")]


class HelpfulGroup(TyperGroup):
    """A group of commands whose ``--help`` is shown as a flag."""

    def get_help_option(self, ctx: Any) -> Any:
        """``--help``, a flag like others."""
        return _as_flag(super().get_help_option(ctx))


def _as_flag(option: Any) -> Any:
    if option is not None:
        option.metavar = ""
    return option


def _hide_type(parameter: Any) -> None:
    if parameter.param_type_name == "argument":
        parameter.display_type_rich = _no_type
    elif parameter.is_flag:
        parameter.metavar = ""


def _no_type(**_: Any) -> None:
    """What typer shows as the type of an argument."""


def _usage(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return f"{name if argument.required else f'[{name}]'}{'...' if argument.nargs != 1 else ''}"


def escaped(text: str) -> str:
    """Help texts are plain; rich would take square brackets for markup."""
    return text.replace("[", r"\[")


def unwrapped(text: str | None) -> str:
    """A docstring with each paragraph on one line, so that the terminal wraps it."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (text or "").split("\n\n"))


def epilog(name: str, notes: Iterable[str] = ()) -> str:
    """What follows the options of a command: notes, and examples.

    Args:
        name: Of the command, such as ``config show``.
        notes: Sentences.
    """
    examples = EXAMPLES.get(name, ())
    heading = ["Examples:" if len(examples) > 1 else "Example:"] if examples else []
    shown = "\n".join([*heading, *(f"  {example}" for example in examples)])
    return escaped("\n\n".join(filter(None, [*notes, shown])))
