"""``backends``: what is installed, configured and usable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.backends import SECTIONS
from anchorhold.cli.arguments import OutputListFormat
from anchorhold.cli.output import ListFormat, as_json, table, write
from anchorhold.errors import AnchorholdError
from anchorhold.seam import BACKENDS_GROUP, WRAPPERS_GROUP
from anchorhold.seam.discovery import installed

if TYPE_CHECKING:
    from anchorhold.cli.session import Session


def backends(session: Session, output_format: OutputListFormat = ListFormat.TEXT) -> None:
    """Show key backends and wrappers: which are installed, with versions, which are configured, which can be used."""
    content = {"installed": _installed(session), "configured": _configured(session)}
    if output_format is ListFormat.JSON:
        write(as_json(content), None)
        return
    head = ("INSTALLED", "NAME", "FROM", "STATE")
    write(table(head, [tuple(row.values()) for row in content["installed"]]), None)
    write(b"\n", None)
    head = ("CONFIGURED", "ALIAS", "BACKEND", "STATE")
    write(table(head, [tuple(row.values()) for row in content["configured"]]), None)


def _installed(session: Session) -> list[dict[str, Any]]:
    enabled = session.installation.loaded.settings.wrappers
    rows = []
    for plugin in (*installed(BACKENDS_GROUP), *installed(WRAPPERS_GROUP)):
        word = plugin.word.removesuffix(" type")
        state = _state(lambda found=plugin: found.loaded)
        if state == "usable" and word == "wrapper":
            state = "enabled" if plugin.name in enabled else "not enabled"
        rows.append({"kind": word, "name": plugin.name, "from": plugin.distribution, "state": state})
    return rows


def _configured(session: Session) -> list[dict[str, Any]]:
    found = session.installation.backends
    return [
        {
            "section": section,
            "alias": alias,
            "backend": settings.backend,
            "state": _state(lambda alias=alias, role=role: found.get(alias, role)),
        }
        for role, section in SECTIONS.items()
        for alias, settings in found.aliases(role).items()
    ]


def _state(attempt: Any) -> str:
    try:
        attempt()
    except AnchorholdError as error:
        return f"broken: {error}"
    return "usable"
