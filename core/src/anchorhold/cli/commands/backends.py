"""``backends``: what is installed and configured, and which keys can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.output import ListFormat, as_json, table, write
from anchorhold.cli.remedies import sentence
from anchorhold.cli.rendering import key_as_json
from anchorhold.errors import AnchorholdError
from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP
from anchorhold.plugin.discovery import damaged, installed
from anchorhold.plugin.requests import SECTIONS

if TYPE_CHECKING:
    from anchorhold.cli.command_context import CommandContext


def backends(context: CommandContext, output_format: OutputListFormat = ListFormat.TEXT) -> None:
    """Show installed and configured key backends and wrappers, and whether the key of each authority is usable."""
    content = {"installed": _installed(context), "configured": _configured(context), "keys": _keys(context)}
    if output_format is ListFormat.JSON:
        write(as_json(content), None)
        return
    head = ("INSTALLED", "NAME", "FROM", "STATE")
    write(table(head, [tuple(row.values()) for row in content["installed"]]), None)
    write(b"\n", None)
    head = ("CONFIGURED", "ALIAS", "BACKEND", "STATE")
    write(table(head, [tuple(row.values()) for row in content["configured"]]), None)
    if content["keys"]:
        write(b"\n", None)
        rows = [(row["authority"], row["alias"], _told(row)) for row in content["keys"]]
        write(table(("KEY OF", "ALIAS", "STATE"), rows), None)


def _installed(context: CommandContext) -> list[dict[str, Any]]:
    enabled = context.installation.loaded.settings.wrappers
    rows = []
    for plugin in (*installed(BACKENDS_GROUP), *installed(WRAPPERS_GROUP)):
        word = plugin.kind.removesuffix(" type")
        good = "loads" if word != "wrapper" else "enabled" if plugin.name in enabled else "not enabled"
        state = _state(lambda found=plugin: found.loaded, good)
        rows.append({"kind": word, "name": plugin.name, "from": plugin.distribution, "state": state})
    return rows + [
        {"kind": "distribution", "name": "", "from": "", "state": f"broken: {sentence}"}
        for sentence in damaged(BACKENDS_GROUP)
    ]


def _configured(context: CommandContext) -> list[dict[str, Any]]:
    found = context.installation.backends
    return [
        {
            "section": section,
            "alias": alias,
            "backend": settings.backend,
            "state": _state(lambda alias=alias, role=role: found.get(alias, role), "configured"),
        }
        for role, section in SECTIONS.items()
        for alias, settings in found.aliases(role).items()
    ]


def _keys(context: CommandContext) -> list[dict[str, Any]]:
    """Each key and whether it is usable."""
    installation = context.installation
    made = [found for found in installation.authorities.list() if found.record.certificate is not None]
    return [
        {"authority": authority.name, "alias": authority.record.key_backend, **key_as_json(state)}
        for authority, state in installation.keys.check_all(made)
    ]


def _told(row: dict[str, Any]) -> str:
    return ": ".join(part for part in (row["key_state"], row["key_problem"]) if part)


def _state(attempt: Any, good: str) -> str:
    """What an attempt shows; nothing is said about keys, or the place they are in, before one is used."""
    try:
        attempt()
    except AnchorholdError as error:
        return f"broken: {sentence(error)}"
    return good
