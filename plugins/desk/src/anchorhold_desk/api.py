"""REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from anchorhold_desk.desk import Desk


def api_routes(desk: Desk) -> list[BaseRoute]:
    """Routes."""
    return []
