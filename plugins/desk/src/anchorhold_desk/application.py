"""The ASGI application of the desk: REST below ``/api/v1``, pages below everything else, the same headers for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from anchorhold_desk.api import api_routes
from anchorhold_desk.pages import page_routes
from anchorhold_desk.security_headers import SecurityHeaders

if TYPE_CHECKING:
    from anchorhold_desk.desk import Desk

API = "/api/v1"


def application(desk: Desk) -> Starlette:
    """The application of a desk."""
    routes = [Mount(API, routes=api_routes(desk)), *page_routes(desk)]
    headers = Middleware(SecurityHeaders, https=desk.settings.is_https)
    made = Starlette(routes=routes, middleware=[headers])
    made.router.redirect_slashes = False  # Location would have the host of the request
    return made
