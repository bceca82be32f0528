"""The ASGI application of the desk: REST below ``/api/v1``, pages below everything else, the same headers for both."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio.to_thread import current_default_thread_limiter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from anchorhold_desk.api import ROOT, api
from anchorhold_desk.pages import page_routes
from anchorhold_desk.security_headers import SecurityHeaders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anchorhold_desk.desk import Desk

THREADS = 16
"""That answer requests; fewer than a pool has connections, so that none waits for one that another holds."""


def application(desk: Desk) -> Starlette:
    """The application of a desk."""
    mounted = Mount(ROOT, app=api(desk))
    mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)  # a path may have a line break
    routes = [mounted, *page_routes(desk)]
    headers = Middleware(SecurityHeaders, https=desk.settings.is_https)
    made = Starlette(routes=routes, middleware=[headers], lifespan=_limit_threads)
    made.router.redirect_slashes = False  # Location would have the host of the request
    return made


@asynccontextmanager
async def _limit_threads(_: Starlette) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield
