"""The pages: rendered here, without a build step and without anything from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold_desk.pages.routes import routes

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from anchorhold_desk.desk import Desk


def page_routes(desk: Desk) -> list[BaseRoute]:
    """The routes of all pages; the last one answers whatever is not found.

    Args:
        desk: The desk.
    """
    return routes(desk)
