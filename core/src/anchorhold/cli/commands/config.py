"""``config``: show, check or write the settings."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from anchorhold.backends import SECTIONS
from anchorhold.cli.output import say, write
from anchorhold.cli.root import Root
from anchorhold.errors import OutputError
from anchorhold.installation import open_installation
from anchorhold.ledger.book import check_database
from anchorhold.seam import BACKENDS_GROUP, discovery
from anchorhold.settings import load_settings
from anchorhold.settings.load import complete, user_file
from anchorhold.settings.show import shown
from anchorhold.settings.template import template
from anchorhold.x509.profiles import find_default_profile

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
    """Show the settings in force: each value, with secrets masked, and where it came from."""
    loaded = load_settings(_named(ctx))
    say(f"# settings file: {loaded.path or 'none, these are the defaults'}")
    lines = [f"{key} = {json.dumps(value)}  # {origin}\n" for key, value, origin in shown(loaded)]
    write("".join(lines).encode(), None)


@app.command("check")
def check(ctx: typer.Context) -> None:
    """Check the settings: every key and value, and that the backends, wrappers and database they name can be used."""
    with open_installation(_named(ctx)) as installation:
        for role in SECTIONS:
            for alias in installation.backends.aliases(role):
                installation.backends.get(alias, role)
        settings = installation.loaded.settings
        find_default_profile(settings.default_profile, settings.profiles)
        check_database(installation.database_url, installation.absence)
        say(f"{installation.loaded.path or 'The default settings'}: nothing is wrong.")


@app.command("init")
def init(
    ctx: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(help="File to write (default: where a user's settings are looked for).", metavar="FILE"),
    ] = None,
) -> None:
    """Write a commented settings file with the defaults. An existing file is left alone."""
    target = path or _named(ctx) or user_file()
    installed = {plugin.name for plugin in discovery.installed(BACKENDS_GROUP)}
    content = template(complete({}, None, os.environ), installed)
    try:
        target.absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise OutputError(f"{target}: exists already", hint="edit it, or name another file") from None
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror})", hint="name another file") from error
    say(f"Wrote {target}.")


def _named(ctx: typer.Context) -> Path | None:
    root = ctx.find_object(Root)
    return root.config if root is not None else None
