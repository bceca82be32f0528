"""What was done to certificates and authorities, by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold.ledger.audits import HistoryFilter
from anchorhold.x509.serials import complete_serial, parse_serial
from anchorhold.x509.validity import parse_past
from anchorhold_desk.roles import EVERY_AUTHORITY

if TYPE_CHECKING:
    import datetime as dt

    from starlette.responses import Response

    from anchorhold.services.history import HistoryEntry
    from anchorhold_desk.pages.page import Page

LENGTH: Final = 100


def show_history(page: Page) -> Response:
    """The newest entries, filtered; older ones are before a moment."""
    problem: AnchorholdError | None = None
    acting = page.acting
    names = [found.name for found in acting.authorities()]
    sees_all = EVERY_AUTHORITY in acting.visible()
    name = page.query("authority") or (None if sees_all else next(iter(names), None))
    entries: list[HistoryEntry] = []
    try:
        if name is not None or sees_all:
            entries = list(acting.history(name, _wanted(page), LENGTH + 1))
    except AnchorholdError as error:
        problem = error
    asked = {key: page.query(key) for key in ("serial", "actor", "since", "until")} | {"authority": name or ""}
    return page.render(
        "history.html",
        problem,
        entries=entries[:LENGTH],
        older=entries[LENGTH - 1].at.isoformat() if entries[LENGTH:] else "",
        asked=asked,
        authorities=names,
        sees_all=sees_all,
    )


def _wanted(page: Page) -> HistoryFilter:
    serial = page.query("serial")
    return HistoryFilter(
        serial=complete_serial(parse_serial(serial)) if serial else None,
        actor=page.query("actor") or None,
        since=_moment(page.query("since")),
        until=_moment(page.query("until")),
    )


def _moment(text: str) -> dt.datetime | None:
    return parse_past(text) if text else None
