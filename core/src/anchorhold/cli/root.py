"""The root command: global options, and a group that imports a command only when it is called."""

from __future__ import annotations

import gc
import importlib
import re
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from anchorhold.cli.command_table import COMMANDS, canonical
from anchorhold.cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEGATIVE: Final = re.compile(r"-(?:[0-9A-Fa-f]{2}:?)+")
"""A serial number that looks like an option."""
_WIDEST: Final = max(map(len, COMMANDS))
"""Letters of the longest name: summaries begin in the same column in every group."""
OPTIONS: Final = ("--config", "--debug", "--retry-refused-pins", "--timeout")
"""Options before the name of a command."""


class RootGroup(TyperGroup):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and build one command; None if there is none of that name."""
        name = canonical(cmd_name)
        if name not in COMMANDS:
            return None
        given = ctx.params
        ctx.obj = GlobalOptions(given.get("config"), bool(given.get("retry_refused_pins")), given.get("timeout"))
        build = importlib.import_module("anchorhold.cli.command_builder")
        command = build.build_command(name, ctx.obj)
        gc.freeze()  # see `anchorhold.cli.main`
        gc.enable()
        return command

    def invoke(self, ctx: Any) -> Any:
        """As typer does; an option may be unknown because the alias it is for cannot be used, and Ctrl-C is told."""
        arguments = list(ctx.args)
        try:
            return super().invoke(ctx)
        except TyperException as error:
            unknown = "No such option" in str(error)
            cause = ctx.obj.cause(arguments) if unknown and isinstance(ctx.obj, GlobalOptions) else None
            if cause is None:
                _say_usage(error, arguments, unknown=unknown)
                raise
            raise cause from error
        except KeyboardInterrupt as error:
            for issued in getattr(error, "issued", ()):
                typer.echo(f"Issued {issued.serial}; run `anchorhold view-cert {issued.serial}` to get it.", err=True)
            typer.echo("anchorhold: interrupted; run `anchorhold recover` to list unfinished operations", err=True)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, with suggestions from the table."""
        self.commands = cast("dict[str, Any]", dict.fromkeys(COMMANDS))  # only the names are looked at
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands by group, from the table alone."""
        for group, commands in groupby(COMMANDS.items(), key=lambda each: each[1].group):
            with formatter.section(group):
                formatter.write_dl([(name.ljust(_WIDEST), command.summary) for name, command in commands])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Names of commands from the table, without importing the commands."""
        vars(self)["get_command"] = _listed
        return super().shell_complete(ctx, incomplete)


def _listed(_ctx: Any, name: str) -> Any:
    """A command of which only the name and the summary are needed."""
    return TyperCommand(name, help=COMMANDS[name].summary)


def _say_usage(error: TyperException, arguments: Sequence[str], *, unknown: bool) -> None:
    """Say what to write instead, before typer says what is wrong; where JSON is wanted, both at once.

    Raises:
        Exit: Both were said.
    """
    advice = []
    if unknown and any(_NEGATIVE.fullmatch(argument) for argument in arguments):
        advice.append("Write -- before a negative serial number.")
    misplaced = next((option for option in OPTIONS if str(error).rstrip(".").endswith(option)), None)
    if misplaced is not None:
        advice.append(f"Write {misplaced} before the name of the command.")
    reporting = importlib.import_module("anchorhold.cli.reporting")
    if reporting.wants_json(sys.argv[1:]):
        hint = " ".join(advice) or "Run the command with --help."
        reporting.report_usage(error.format_message(), hint, error.exit_code, sys.argv[1:])
        raise typer.Exit(error.exit_code)
    for line in advice:
        typer.echo(line, err=True)


app = typer.Typer(
    name="anchorhold",
    cls=RootGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"anchorhold {version('anchorhold')}")
        raise typer.Exit


@app.callback()
def root(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Settings file (default: the first one found).", metavar="FILE"),
    ] = None,
    retry_refused_pins: Annotated[
        bool,
        typer.Option("--retry-refused-pins", help="Try PINs again that a token refused before."),
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", min=0.1, help="Wait no longer for keys (default: as long as it takes).", metavar="SECONDS"
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Run a certificate authority, with private keys in pluggable key backends.

    Data goes to standard output, messages go to standard error. Each kind of error has its own exit code.
    """
