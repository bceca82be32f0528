"""``history``: show what was done, by whom and when."""

from __future__ import annotations

import json
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from anchorhold.cli.completion import complete_authority
from anchorhold.cli.inputs import earlier
from anchorhold.cli.output import info, table, write, write_json_list, write_line
from anchorhold.ledger.audits import HistoryFilter
from anchorhold.x509.durations import EXAMPLES
from anchorhold.x509.serials import complete_serial, parse_serial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.cli.command_context import CommandContext
    from anchorhold.services.history import HistoryEntry

_WHY: Final = {
    "certificate-failed": ("reason",),
    "certificate-refused": ("reason",),
    "signature-refused": ("purpose", "reason"),
}
"""What is shown beside the kind of an entry."""
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
        str | None,
        typer.Option("--ca", help="Only events of this authority.", metavar="CA", autocompletion=complete_authority),
    ] = None,
    serial: Annotated[
        str | None,
        typer.Option("--serial", help="Only events of the certificate with this serial number.", metavar="HEX"),
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", help="Only events caused by this user or program.", metavar="NAME")
    ] = None,
    correlation_id: Annotated[
        str | None,
        typer.Option("--correlation-id", help="Only events with this correlation id.", metavar="ID"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help=f"Only from this time: a date (2026-11-29) or age ({EXAMPLES}).", metavar="TIME"),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Only before this time, in the format of --since.", metavar="TIME")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", help="Maximum number of events (default: 100 as text, else all).", metavar="N", min=1),
    ] = None,
    output_format: Annotated[
        HistoryFormat,
        typer.Option(
            "--output-format", "-f", help="Output format: text, json, or jsonl (one object per line).", metavar="FORMAT"
        ),
    ] = HistoryFormat.TEXT,
) -> None:
    """Show what happened to authorities and certificates, who did it and when, the newest event first."""
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


def _event(entry: HistoryEntry) -> str:
    """What was done; of a signature that was refused or failed, what it was for and why."""
    words = [str(entry.detail[name]) for name in _WHY.get(entry.kind, ()) if name in entry.detail]
    return f"{entry.kind} ({', '.join(words)})" if words else entry.kind


def _show(entries: Iterator[HistoryEntry], most: int | None) -> None:
    rows = [
        (
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            "-" if entry.audit is None else str(entry.audit.actor),
            _event(entry),
            entry.authority or "-",
            entry.serial or "-",
        )
        for entry in entries
    ]
    if not rows:
        info("No events found.")
    write(table(("TIME (UTC)", "ACTOR", "EVENT", "AUTHORITY", "SERIAL"), rows), None)
    if len(rows) == most:
        info(f"Next: there may be more; repeat with a --limit above {most}, or with --until.")
