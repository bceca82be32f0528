"""The root command: global options, and a group that imports a command only when it is called."""

from __future__ import annotations

import gc
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from anchorhold.cli.table import COMMANDS, canonical


@dataclass(slots=True)
class Root:
    """What was given before the name of the command.

    Attributes:
        config: The settings file, if one was named.
        debug: Whether errors show how they came about.
    """

    config: Path | None = None
    debug: bool = False


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
        build = importlib.import_module("anchorhold.cli.build")
        command = build.build_command(name, ctx.find_object(Root) or Root())
        gc.enable()  # see `anchorhold.cli.main`
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, with suggestions from the table."""
        self.commands = cast("dict[str, Any]", dict.fromkeys(COMMANDS))  # only the names are looked at
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])


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
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file, instead of looking for one.", metavar="FILE")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show how an error came about.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """A certificate authority whose private keys live wherever you plug them in.

    Data goes to standard output, everything else to standard error. Exit codes are listed in docs/exit-codes.md.
    """
    ctx.obj = Root(config=config, debug=debug)
