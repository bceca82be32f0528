"""``config``: show, check or write the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from anchorhold.checking import check_installation
from anchorhold.cli.destination import check_new, is_standard_output, make_private_folder, write_new
from anchorhold.cli.failures import Failures
from anchorhold.cli.global_options import Root
from anchorhold.cli.output import say, write
from anchorhold.cli.precious import kept_as_known
from anchorhold.cli.table import COMMANDS
from anchorhold.errors import OutputError
from anchorhold.installation import open_installation
from anchorhold.seam import BACKENDS_GROUP, discovery
from anchorhold.settings import load_settings
from anchorhold.settings.load import complete, user_file
from anchorhold.settings.show import shown
from anchorhold.settings.template import template

app = typer.Typer(
    name="config",
    help="Show, check or write the settings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("show")
def show(ctx: typer.Context) -> None:
    """Show the settings in force, as TOML: each value and where it came from; what may be secret is masked."""
    loaded = load_settings(_named(ctx))
    say(f"# settings file: {loaded.path or 'none, these are the defaults'}")
    lines = [f"{key} = {value}  # {origin}\n" for key, value, origin in shown(loaded)]
    write("".join(lines).encode(), None)


@app.command("check")
def check(ctx: typer.Context) -> None:
    """Check the settings: every key and value, and all that they name, used or not; no PIN or password is tried."""
    with open_installation(_named(ctx), trial=True) as installation:
        findings = check_installation(installation)
        failures = Failures()
        for error in findings.wrong:
            failures.add("", error)
        if not findings.wrong:  # the options of an alias that cannot be used are not known
            with failures.of():
                _check_options(ctx)
        for sentence in findings.untried:
            say(f"{sentence[0].upper()}{sentence[1:]}.")
        failures.end()
        rest = " as far as it could be tried" if findings.untried else ""
        say(f"{installation.loaded.path or 'The default settings'}: nothing is wrong{rest}.")


def _check_options(ctx: typer.Context) -> None:
    """Refuse aliases of whose options a command could not tell what they are for."""
    from anchorhold.cli.build import build_command

    for name, command in COMMANDS.items():
        if command.operations:
            build_command(name, Root(_named(ctx)))


@app.command("init")
def init(
    ctx: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(
            help="File to write, - for standard output (default: where a user's settings are looked for).",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Write a commented settings file with the defaults. An existing file is left alone."""
    target = path or _named(ctx) or user_file()
    installed = {plugin.name for plugin in discovery.installed(BACKENDS_GROUP)}
    content = template(complete({}, None, os.environ), installed)
    if is_standard_output(target):
        write(content.encode(), None)
        return
    check_new(target, kept_as_known(_named(ctx), os.environ))
    try:
        make_private_folder(target.absolute().parent)
        write_new(content.encode(), target, 0o600)
    except FileExistsError:
        raise OutputError(f"{target}: exists already", hint="edit it, or name another file") from None
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror})", hint="name another file") from error
    say(f"Wrote {target}.")


def _named(ctx: typer.Context) -> Path | None:
    root = ctx.find_object(Root)
    return root.config if root is not None else None
