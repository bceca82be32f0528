"""REST below ``/api/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route, Router

from anchorhold_desk.api.dispatch import NoPath, PathEndpoints
from anchorhold_desk.api.endpoint import JSON
from anchorhold_desk.api.etags import encoded
from anchorhold_desk.api.openapi import document
from anchorhold_desk.api.table import ENDPOINTS
from anchorhold_desk.authentication import cookie_name

if TYPE_CHECKING:
    from starlette.requests import Request

    from anchorhold_desk.api.endpoint import Endpoint
    from anchorhold_desk.desk import Desk

ROOT: Final = "/api/v1"


def api(desk: Desk) -> Router:
    """The ASGI application of the API, which is mounted at `ROOT`."""
    described = encoded(document(cookie_name(desk.settings)))

    async def describe(request: Request) -> Response:
        return Response(described, media_type=JSON)

    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    routes = [Route(path, PathEndpoints(desk, ROOT, methods)) for path, methods in paths.items()]
    return Router([Route("/openapi.json", describe), *routes], redirect_slashes=False, default=NoPath())
