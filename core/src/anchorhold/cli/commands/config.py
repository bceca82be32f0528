"""``config``: show, check or write the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from anchorhold.cli.command_help import HelpfulCommand, HelpfulGroup, epilog
from anchorhold.cli.command_table import COMMANDS
from anchorhold.cli.destination import check_new, is_standard_output, make_private_folder, write_new
from anchorhold.cli.error_collector import ErrorCollector
from anchorhold.cli.global_options import GlobalOptions
from anchorhold.cli.output import info, write
from anchorhold.cli.protected_files import protected_as_known
from anchorhold.errors import OutputError
from anchorhold.installation import open_installation
from anchorhold.installation_check import check_installation
from anchorhold.plugin import BACKENDS_GROUP, discovery
from anchorhold.settings import load_settings
from anchorhold.settings.load import user_file, with_defaults
from anchorhold.settings.sample_file import sample_settings
from anchorhold.settings.toml_output import display_settings

app = typer.Typer(
    name="config",
    cls=HelpfulGroup,
    help="Show, check or write the settings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("show", cls=HelpfulCommand, epilog=epilog("config show"))
def show(ctx: typer.Context) -> None:
    """Show the effective settings as TOML, each value with its origin; possible secrets are masked."""
    loaded = load_settings(_named(ctx))
    info(f"# settings file: {loaded.path or 'none (defaults)'}")
    lines = [f"{key} = {value}  # {origin}\n" for key, value, origin in display_settings(loaded)]
    write("".join(lines).encode(), None)


@app.command("check", cls=HelpfulCommand, epilog=epilog("config check"))
def check(ctx: typer.Context) -> None:
    """Check the settings: every key and value, and all files and backends they name. No PIN or password is tried."""
    with open_installation(_named(ctx), trial=True) as installation:
        findings = check_installation(installation)
        failures = ErrorCollector()
        for error in findings.problems:
            failures.add("", error)
        if not findings.problems:  # the options of an alias that cannot be used are not known
            with failures.collecting():
                _check_options(ctx)
        for sentence in findings.untested:
            info(f"{sentence[0].upper()}{sentence[1:]}.")
        failures.raise_first()
        rest = ", as far as it could be tested" if findings.untested else ""
        info(f"{installation.loaded.path or 'Default settings'}: no problems found{rest}.")


def _check_options(ctx: typer.Context) -> None:
    """Refuse aliases of whose options a command could not tell what they are for."""
    from anchorhold.cli.command_builder import build_command

    for name, command in COMMANDS.items():
        if command.operations:
            build_command(name, GlobalOptions(_named(ctx)))


@app.command("init", cls=HelpfulCommand, epilog=epilog("config init"))
def init(
    ctx: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(
            help="File to write, - for standard output (default: the settings file of this user).",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Write a commented settings file with the defaults. An existing file is never overwritten."""
    target = path or _named(ctx) or user_file()
    installed = {plugin.name for plugin in discovery.installed(BACKENDS_GROUP)}
    content = sample_settings(with_defaults({}, None, os.environ), installed)
    if is_standard_output(target):
        write(content.encode(), None)
        return
    check_new(target, protected_as_known(_named(ctx), os.environ))
    try:
        make_private_folder(target.absolute().parent)
        write_new(content.encode(), target, 0o600)
    except FileExistsError:
        raise OutputError(f"{target}: already exists", hint="edit it, or name another file") from None
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror})", hint="name another file") from error
    info(f"Wrote {target}. Next: edit it, then run `anchorhold config check`.")


def _named(ctx: typer.Context) -> Path | None:
    root = ctx.find_object(GlobalOptions)
    return root.config if root is not None else None
