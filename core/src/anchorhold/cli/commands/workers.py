"""``workers``: show who signs for other hosts, and what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.output import ListFormat, as_json, info, table, write

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.cli.command_context import CommandContext


def workers(context: CommandContext, output_format: OutputListFormat = ListFormat.TEXT) -> None:
    """Show workers that sign for other hosts, and how often they refused to sign in the last 24 hours."""
    service = context.installation.workers
    found, refusals = service.list(), service.refusals()
    if output_format is ListFormat.JSON:
        known = {"workers": [each.to_json() for each in found], "refusals": [each.to_json() for each in refusals]}
        write(as_json(known), None)
        return
    rows = [
        (
            each.name,
            "running" if each.is_running else "not seen",
            _moment(each.seen_at),
            _moment(each.signed_at),
            each.version,
            f"{each.process} on {each.host}",
            ", ".join(each.aliases) or "-",
        )
        for each in found
    ]
    if not rows:
        info("No workers found.")
    heads = ("NAME", "STATUS", "LAST SEEN (UTC)", "LAST SIGNATURE", "VERSION", "PROCESS", "KEY BACKENDS")
    write(table(heads, rows), None)
    if refusals:
        counts = [(each.peer, each.purpose, each.reason, str(each.count)) for each in refusals]
        write(b"\n" + table(("REFUSED FOR", "PURPOSE", "REASON", "COUNT"), counts), None)
        info("Next: `anchorhold history` shows who has asked for what.")


def _moment(moment: dt.datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
