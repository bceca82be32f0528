"""From a request to a page: who sends it, whether a form may be believed, and what is shown when something fails."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.routing import Route

from anchorhold.errors import AnchorholdError, InputError
from anchorhold_desk.authentication import (
    SAFE,
    UnauthenticatedError,
    check_same_site,
    cookie_name,
    origin_of,
)
from anchorhold_desk.pages.forms import Form, read_form
from anchorhold_desk.pages.languages import preferred
from anchorhold_desk.pages.page import FAULTS, Page, check_form_token, page_status
from anchorhold_desk.pages.rate_limit import RateLimit
from anchorhold_desk.pages.static_files import StaticFiles
from anchorhold_desk.pages.templating import Templates

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from anchorhold_desk.desk import Desk

    Handler = Callable[[Page], Response]

logger = logging.getLogger(__name__)

HASHING: Final = 2
"""Log-ins that are tried at once; each needs 64 MiB for its hash (RFC 9106, section 4)."""


class Pages:
    """Makes routes of handlers.

    Args:
        desk: The desk.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.static = StaticFiles()
        self._templates = Templates(self.static)
        self._attempts = RateLimit()
        self._hashing: CapacityLimiter | None = None

    def page(self, path: str, show: Handler, act: Handler | None = None, *, public: bool = False) -> list[Route]:
        """The routes of a page.

        Args:
            path: Its path.
            show: Shows it.
            act: Does what its form asks for; None if it has none.
            public: Whether it is there for people who have not logged in.
        """
        made = [Route(path, self._endpoint(show, public=public), methods=["GET"])]
        return made if act is None else [*made, *self.form(path, act, public=public)]

    def form(self, path: str, act: Handler, *, public: bool = False) -> list[Route]:
        """The route of a form; arguments as for `page`."""
        return [Route(path, self._endpoint(act, public=public), methods=["POST"])]

    def _endpoint(self, handler: Handler, *, public: bool) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            problem: AnchorholdError | None = None
            form = Form({}, {})
            try:
                if request.method not in SAFE:
                    form = await read_form(request)
            except HTTPException:
                problem = InputError("form: cannot be read", hint="load the page again, and retry")
            except AnchorholdError as error:
                problem = error
            limiter = self._limiter() if public and request.method not in SAFE else None
            return await to_thread.run_sync(self._respond, request, form, handler, public, problem, limiter=limiter)

        return respond

    def _limiter(self) -> CapacityLimiter:
        if self._hashing is None:  # made where the event loop runs
            self._hashing = CapacityLimiter(HASHING)
        return self._hashing

    def _respond(
        self, request: Request, form: Form, handler: Handler, public: bool, problem: AnchorholdError | None
    ) -> Response:
        page = self._page(request, form)
        try:
            self._check(page, problem, public=public)
            return handler(page)
        except UnauthenticatedError as error:
            return _log_in_first(page, error)
        except AnchorholdError as error:
            return _failed(page, error)
        except Exception as error:
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
            logger.error("desk: %s failed with %s at %s", request.url.path, type(error).__name__, where)  # noqa: TRY400
            return page.render("failed.html", http_status=500)
        finally:
            with suppress(AnchorholdError):  # where a database cannot be opened, the page says so already
                self._desk.give_back()

    def _check(self, page: Page, problem: AnchorholdError | None, *, public: bool) -> None:
        """Find out who sends a request, and refuse a form that must not be believed."""
        page.known = self._desk.logins.identity(page.session, page.origin) if page.session else None
        if problem is not None:
            raise problem
        check_same_site(page.request, self._desk.settings)
        if not public:
            _ = page.identity
            if page.request.method not in SAFE:
                check_form_token(page)

    def _page(self, request: Request, form: Form) -> Page:
        return Page(
            request=request,
            desk=self._desk,
            templates=self._templates,
            attempts=self._attempts,
            language=preferred(request.headers.get("accept-language", "")),
            form=form,
            origin=origin_of(request, self._desk.settings),
            session=request.cookies.get(cookie_name(self._desk.settings), ""),
            known=None,
        )


def not_found(page: Page) -> Response:
    """Nothing is there."""
    return page.render("not_found.html", http_status=404)


def _failed(page: Page, error: AnchorholdError) -> Response:
    """What went wrong; a fault of the host, whose words may name paths, is told only to someone who has logged in."""
    status = page_status(error)
    if status < FAULTS or page.known is not None:
        return page.render("error.html", error)
    logger.error("desk: %s failed with %s", page.request.url.path, error)
    return page.render("failed.html", http_status=status)


def _log_in_first(page: Page, error: UnauthenticatedError) -> Response:
    """Where a page was asked for, the way to log in; what a form would have done is not done."""
    if page.request.method in SAFE:
        path = page.request.url.path
        return page.redirect("/login" if path == "/" else f"/login?next={quote(path)}")
    return page.render("error.html", error, status=page_status(error))
