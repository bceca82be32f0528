"""``history``: show what was done, by whom and when."""

from __future__ import annotations

import json
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.cli.inputs import earlier
from anchorhold.cli.output import info, table, write, write_json_list, write_line
from anchorhold.ledger.audits import HistoryFilter
from anchorhold.x509.serials import complete_serial, parse_serial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.services.history import HistoryEntry

PAGE: Final = 100
"""How many entries are shown as text by default."""


class HistoryFormat(StrEnum):
    """How the history is shown."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


def history(
    context: CommandContext,
    ca: Annotated[
        str | None, typer.Option("--ca", help="Only what was done to or by this authority.", metavar="CA")
    ] = None,
    serial: Annotated[
        str | None,
        typer.Option("--serial", help="Only what was done to the certificate with this serial number.", metavar="HEX"),
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", help="Only what this user or program did.", metavar="NAME")
    ] = None,
    correlation_id: Annotated[
        str | None,
        typer.Option("--correlation-id", help="Only what was done under this correlation id.", metavar="ID"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Not before this time: 2026-11-29, or 7d for seven days ago.", metavar="TIME"),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Before this time; given as for --since.", metavar="TIME")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", help="Maximum number of entries (default: 100 as text, else all).", min=1),
    ] = None,
    output_format: Annotated[
        HistoryFormat,
        typer.Option("--output-format", help="jsonl is one JSON object a line, for log collectors."),
    ] = HistoryFormat.TEXT,
) -> None:
    """Show what was done to authorities and certificates, by whom and when, the newest first."""
    wanted = HistoryFilter(
        serial=None if serial is None else complete_serial(parse_serial(serial)),
        actor=actor,
        correlation_id=correlation_id,
        since=earlier(since),
        until=earlier(until),
    )
    most = limit or (PAGE if output_format is HistoryFormat.TEXT else None)
    entries = islice(context.installation.history.entries(ca, wanted), most)
    if output_format is HistoryFormat.JSON:
        write_json_list(entry.to_json() for entry in entries)
    elif output_format is HistoryFormat.JSONL:
        for entry in entries:
            write_line(json.dumps(entry.to_json()))
    else:
        _show(entries, most)


def _show(entries: Iterator[HistoryEntry], most: int | None) -> None:
    rows = [
        (
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            "-" if entry.audit is None else str(entry.audit.actor),
            entry.kind,
            entry.authority,
            entry.serial or "-",
        )
        for entry in entries
    ]
    if not rows:
        info("There are no such entries.")
    write(table(("TIME (UTC)", "ACTOR", "EVENT", "AUTHORITY", "SERIAL"), rows), None)
    if len(rows) == most:
        info(f"There may be more: repeat with --limit above {most}, or with --until.")
