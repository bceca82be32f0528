"""``generate-ocsp-responses``: pre-signed OCSP responses as files, for a web server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.cli.completion import complete_authority
from anchorhold.cli.error_collector import ErrorCollector
from anchorhold.cli.output import check_output, info, write
from anchorhold.errors import InputError
from anchorhold.operations.presigned.web_servers import SERVE_URL
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.presigned.run import PresignedResult, Which
    from anchorhold.operations.presigned.web_servers import WebServer

BAR: Final = 5_000
"""Certificates from which on a terminal shows how far it is."""


def generate_ocsp_responses(
    context: CommandContext,
    cas: Annotated[
        list[str] | None,
        typer.Argument(
            help="Authorities (default: all with an OCSP responder, including disabled ones).",
            metavar="CA",
            autocompletion=complete_authority,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder of the responses (default: ocsp_responses.folder).", metavar="DIR"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Write all responses again.")] = False,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only certificates that were issued, revoked or released since.")
    ] = False,
    ending: Annotated[
        bool, typer.Option("--ending", help="Only responses that are past half of their lifetime.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", help="Number of processes (default: one per CPU).", metavar="N", min=1)
    ] = None,
    nginx: Annotated[
        Path | None,
        typer.Option("--nginx", help="Also write a configuration for nginx to this file.", metavar="FILE"),
    ] = None,
    caddy: Annotated[
        Path | None,
        typer.Option("--caddy", help="Also write a configuration for Caddy to this file.", metavar="FILE"),
    ] = None,
    serve_url: Annotated[
        str, typer.Option("--serve-url", help="URL of `anchorhold serve`, for these configurations.", metavar="URL")
    ] = SERVE_URL,
) -> None:
    """Write OCSP responses to files for a web server: those that are missing, changed or expire soon."""
    which = _which(everything=everything, changed=changed, ending=ending)
    service = context.installation.ocsp_responses
    if to is not None:
        context.protected_files().check_folder(Path(os.path.realpath(to)), to)
    configurations = _configurations(context, {"nginx": nginx, "caddy": caddy}, to, serve_url)
    authorities = [context.installation.authorities.get(name) for name in cas] if cas else _all(context)
    if not authorities:
        info("No authority has an OCSP responder; nothing to do.")
    failures = ErrorCollector()
    for authority in authorities:
        with failures.collecting(authority.name):
            _info(authority, _generated(context, authority, to, which, jobs), to or service.folder)
    for file, text in configurations.items():
        write(text.encode(), file, hint="repeat the command with another file")
    if to is not None and service.folder != to.absolute():
        info("Note: ocsp_responses.folder is not this folder, so revocations reach it when this command runs again.")
    failures.raise_first()


def _which(*, everything: bool, changed: bool, ending: bool) -> Which:
    wanted: dict[Which, bool] = {"all": everything, "changed": changed, "ending": ending}
    given = [which for which, is_given in wanted.items() if is_given]
    if len(given) > 1:
        raise InputError(f"--{given[0]} and --{given[1]}: exclude each other", hint="give one of them")
    return given[0] if given else "due"


def _configurations(
    context: CommandContext, files: dict[WebServer, Path | None], to: Path | None, serve_url: str
) -> dict[Path, str]:
    """What is to be written to which file; checked before anything is done."""
    found = {}
    for kind, file in files.items():
        if file is not None:
            check_output(file, kept=context.protected_files)
            found[file] = context.installation.ocsp_responses.web_server(kind, to, serve_url=serve_url)
    return found


def _all(context: CommandContext) -> list[Authority]:
    """Every authority that is valid and has a responder."""
    installation, moment = context.installation, now()
    known = (found for found in installation.authorities.list() if found.record.status != "pending")
    valid = (found for found in known if found.certificate.not_valid_after_utc > moment)
    return [found for found in valid if installation.responders.active(found) is not None]


def _generated(
    context: CommandContext, authority: Authority, to: Path | None, which: Which, jobs: int | None
) -> PresignedResult:
    service = context.installation.ocsp_responses
    count = service.count(authority)
    hidden = count < BAR or not sys.stderr.isatty()
    with typer.progressbar(length=count, label=authority.name, file=sys.stderr, hidden=hidden) as bar:
        return service.generate(authority, to, which=which, jobs=jobs, progress=bar.update)


def _info(authority: Authority, made: PresignedResult, folder: Path | None) -> None:
    count = f"{made.written} OCSP response{'s' if made.written != 1 else ''}"
    removed = f" Removed those of {made.removed} expired certificates." if made.removed else ""
    info(
        f"Wrote {count} of {authority.name} to {folder}.{removed} All are valid until {made.until:%Y-%m-%d %H:%M} UTC; "
        f"run this again by {made.renew_at:%Y-%m-%d %H:%M} UTC."
    )
