"""The root command: global options, and a group that imports a command only when it is called."""

from __future__ import annotations

import gc
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from anchorhold.cli.table import COMMANDS, canonical


@dataclass(slots=True)
class Root:
    """What a command knows from before its name.

    Attributes:
        config: The settings file, if one was named.
        notes: Why an alias has no options; shown in the help and with errors of usage.
    """

    config: Path | None = None
    notes: list[str] = field(default_factory=list)


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
        ctx.obj = Root(config=ctx.params.get("config"))
        build = importlib.import_module("anchorhold.cli.build")
        command = build.build_command(name, ctx.obj)
        gc.enable()  # see `anchorhold.cli.main`
        return command

    def invoke(self, ctx: Any) -> Any:
        """As typer does; an option may be unknown because the alias it is for cannot be used."""
        try:
            return super().invoke(ctx)
        except TyperException:
            for note in ctx.obj.notes if ctx.obj is not None else ():
                typer.echo(note, err=True)
            raise

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
