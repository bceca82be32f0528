"""The first page: what waits for the reader, and what is wrong."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from anchorhold.ledger.certificates import CertificateFilter
from anchorhold.x509.validity import now
from anchorhold_desk.roles import EVERY_AUTHORITY, Act

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from anchorhold_desk.entries import DeskCertificate
    from anchorhold_desk.pages.page import Page

SOON: Final = dt.timedelta(days=30)
LENGTH: Final = 10


def show_overview(page: Page) -> Response:
    """The first page."""
    acting = page.acting
    waiting = [*acting.requests("waiting"), *acting.requests("reserved")]
    published = [(found, acting.views.publication(found)) for found in acting.authorities()]
    return page.render(
        "overview.html",
        waiting=waiting[:LENGTH],
        more_waiting=len(waiting) > LENGTH,
        troubled=[(found, state) for found, state in published if state.problems],
        sees=bool(published),
        expiring=_expiring(page),
        asks=bool(acting.authorities(Act.REQUEST)),
    )


def _expiring(page: Page) -> Sequence[DeskCertificate]:
    """The first ones to expire, of all authorities that may be seen."""
    acting, soon = page.acting, CertificateFilter(revoked=False, expiring=now() + SOON)
    places = [None] if EVERY_AUTHORITY in acting.visible() else [found.name for found in acting.authorities()]
    found = [each for place in places for each in acting.certificates(place, soon, limit=LENGTH)]
    return sorted(found, key=lambda each: each.record.not_after)[:LENGTH]
