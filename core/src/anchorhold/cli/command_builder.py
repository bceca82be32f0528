"""Building one command: its own parameters, then the options of every configured alias.

A parameter annotated with a dataclass is a group: each of its members becomes a parameter, and is None if not given.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from anchorhold.cli.command_context import CommandContext
from anchorhold.cli.command_help import HelpfulCommand, epilog, escaped, unwrapped
from anchorhold.cli.command_table import COMMANDS, COMMANDS_GROUP
from anchorhold.cli.remedies import sentence
from anchorhold.errors import PluginMissingError
from anchorhold.parser_errors import guard_parser
from anchorhold.plugin.backend_options import check_flags
from anchorhold.plugin.discovery import Plugin, entry_points

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchorhold.cli.command_table import Command
    from anchorhold.cli.global_options import GlobalOptions
    from anchorhold.plugin.backend_options import BackendOption


def build_command(name: str, root: GlobalOptions) -> Any:
    """The command of that name, with the options of the aliases that the settings configure."""
    command = COMMANDS[name]
    target = _target(name, command)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
    )
    function = _with_backend_options(name, command, target, CommandContext(root, creates=command.creates))
    app.command(name, cls=HelpfulCommand, epilog=epilog(name, _notes(root)))(function)
    return typer.main.get_command(app)


def _target(name: str, command: Command) -> Any:
    """The function or group behind a command.

    Raises:
        PluginMissingError: It is in a distribution that is not installed.
    """
    if command.distribution is None:
        module, _, attribute = command.target.partition(":")
        return getattr(importlib.import_module(f"anchorhold.cli.commands.{module}"), attribute)
    offered = tuple(entry_points(group=COMMANDS_GROUP).select(name=name))
    if not offered:
        raise PluginMissingError(f"{name}: is not installed", hint=f"install it: pip install {command.distribution}")
    with guard_parser(partial(_not_loaded, name, Plugin(offered[0]).distribution)):
        return offered[0].load()


def _not_loaded(name: str, distribution: str, cause: str) -> PluginMissingError:
    return PluginMissingError(
        f"{name}: cannot be imported from {distribution} ({cause})", hint="reinstall that distribution"
    )


def _with_backend_options(
    name: str, command: Command, function: Callable[..., None], context: CommandContext
) -> Callable[..., None]:
    """The function as typer sees it: without its first parameter, and with one for each option of an alias."""
    hints = get_type_hints(function, localns={"CommandContext": CommandContext}, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    hints |= {name: hint for group in groups.values() for name, hint in _members(group).items()}
    own = list(inspect.signature(function).parameters.values())[1:]
    options = context.backend_options(command)
    check_flags(options, _flags(hints.values()), name)
    added = {f"backend_option_{number}": option for number, option in enumerate(options)}

    def run(**values: Any) -> None:
        context.set_option_values({option: values.pop(parameter) for parameter, option in added.items()})
        for name, group in groups.items():
            values[name] = group(**{member: values.pop(member) for member in _members(group)})
        try:
            context.begin()
            function(context, **values)
        finally:
            context.close()

    parameters = [
        member.replace(annotation=hints[member.name])
        for parameter in own
        for member in (_expanded(groups[parameter.name]) if parameter.name in groups else (parameter,))
    ]
    parameters += [_parameter(parameter, option) for parameter, option in added.items()]
    parameters.sort(key=lambda parameter: parameter.kind)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = unwrapped(inspect.getdoc(function))
    return run


def _members(group: Any) -> dict[str, Any]:
    """The parameters in a group, with what typer is told about them."""
    return get_type_hints(group, include_extras=True)


def _expanded(group: Any) -> list[inspect.Parameter]:
    return [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in _members(group)]


def _parameter(name: str, option: BackendOption) -> inspect.Parameter:
    kind = bool if option.is_flag else str
    whose = ", key of the parent" if option.parent else ""
    declaration = typer.Option(
        option.flag,
        help=escaped(option.help + _addition(option)),
        rich_help_panel=f"Key backend {option.alias!r}{whose}",
        metavar=None if option.is_flag else ("SECRET" if option.secret else "TEXT"),
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, declaration]
    )


def _addition(option: BackendOption) -> str:
    if option.secret:
        return f" [env: {option.variable}]"
    return f" [default: {option.default}]" if option.default and not option.is_flag else ""


def _notes(root: GlobalOptions) -> list[str]:
    return [
        f"Key backend {alias!r} is unusable, so its options are missing: {sentence(error)}"
        for alias, error in root.broken.items()
    ]


def _flags(hints: Iterable[Any]) -> set[str]:
    declarations = [
        part for hint in hints for part in getattr(hint, "__metadata__", ()) if hasattr(part, "param_decls")
    ]
    return {
        flag
        for declaration in declarations
        for decl in (declaration.default, *(declaration.param_decls or ()))  # typer keeps the first one there
        if isinstance(decl, str)
        for flag in decl.split("/")
        if flag.startswith("--")
    }
