"""One request for a page: who sends it, what was typed, and how it is answered."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, Response

from anchorhold.errors import AnchorholdError
from anchorhold.secret import Secret
from anchorhold_desk.authentication import CrossSiteError, UnauthenticatedError, cookie_name
from anchorhold_desk.http_errors import status_of
from anchorhold_desk.pages.forms import TooLargeError
from anchorhold_desk.pages.languages import marked
from anchorhold_desk.pages.rate_limit import TooManyAttemptsError
from anchorhold_desk.roles import Act, authorities_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from anchorhold_desk.desk import ActingDesk, Desk
    from anchorhold_desk.identity import Account, Identity
    from anchorhold_desk.pages.forms import Form
    from anchorhold_desk.pages.rate_limit import RateLimit
    from anchorhold_desk.pages.templating import Templates

DONE: Final[Mapping[str, str]] = {
    "submitted": marked("The request was submitted."),
    "approved": marked("You have approved the request."),
    "issued": marked("The certificate was issued."),
    "rejected": marked("The request was rejected."),
    "revoked": marked("The certificate was revoked. OCSP says so now, and CRLs from the next one on."),
    "held": marked("The certificate is on hold."),
    "released": marked("The hold was removed."),
    "crls": marked("New CRLs were made."),
    "responder": marked("A new OCSP responder was made."),
    "added": marked("The account was made. Make a link, so that its owner can set a password."),
    "changed": marked("The change was saved."),
    "password": marked("The password was set."),
    "second-factor": marked("Log-ins need a code from now on."),
    "second-factor-removed": marked("Log-ins of this account need no code any more."),
    "ended": marked("The token was ended."),
    "logged-out": marked("You are logged out."),
}
"""What was done, told on the page after it; a URL has the key only, so that no link can put words there."""

FAULTS: Final = 500
"""Statuses from here on are faults of the host, not of the request (RFC 9110, section 15.6)."""
LONGEST_NUMBER: Final = 10
"""Digits of a row number that a database refuses to compare with its own."""
_STATUSES: Final = {TooLargeError: 413, TooManyAttemptsError: 429}


@dataclass(slots=True)
class Page:
    """One request for a page.

    Attributes:
        request: As it came.
        desk: The desk.
        templates: What pages are rendered with.
        attempts: Counts attempts to log in.
        language: Of the reader.
        form: What was typed.
        origin: The address that the request came from.
        session: The secret of the session; empty without one.
        known: Who sends it; None without a session.
    """

    request: Request
    desk: Desk
    templates: Templates
    attempts: RateLimit
    language: str
    form: Form
    origin: str
    session: str
    known: Identity | None

    @property
    def identity(self) -> Identity:
        """Who sends it.

        Raises:
            UnauthenticatedError: Nobody who is known.
        """
        if self.known is None:
            raise UnauthenticatedError("session: there is none, or it has ended", hint="log in")
        return self.known

    @property
    def account(self) -> Account:
        """Whose session it is."""
        account = self.identity.account
        assert account is not None  # noqa: S101  # sessions are of accounts
        return account

    @property
    def acting(self) -> ActingDesk:
        """What they can do."""
        return self.desk.acting(self.identity)

    def secret(self, name: str) -> Secret:
        """A field with a password or PIN."""
        return Secret(self.form.raw(name))

    def query(self, name: str) -> str:
        """A parameter of the URL; empty if it is not there."""
        return self.request.query_params.get(name, "").strip()

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def number(self, name: str) -> int:
        """A part of the path that is a number; 0, which nothing has, if it is none."""
        text = self.part(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER else 0

    def text(self, message: str) -> str:
        """A message in the language of the reader."""
        return self.templates.text(self.language, message)

    def render(
        self, template: str, problem: AnchorholdError | None = None, /, *, http_status: int = 200, **values: Any
    ) -> Response:
        """A page.

        Args:
            template: Name of its template.
            problem: What went wrong, if anything did; the status follows from it.
            http_status: Of the response, if nothing did.
            values: For the template.
        """
        known = self.known
        shared = {
            "page": self,
            "identity": known,
            "csrf": form_token(self.session) if known is not None else "",
            "problem": problem,
            "done": self.text(DONE[self.query("done")]) if problem is None and self.query("done") in DONE else "",
            "nav": [] if known is None else _navigation(known),
            "path": self.request.url.path,
        }
        content = self.templates.render(self.language, template, {**shared, **values})
        response = HTMLResponse(content, http_status if problem is None else page_status(problem))
        response.headers["content-language"] = self.language
        response.headers["vary"] = "Accept-Language, Cookie"
        if isinstance(problem, TooManyAttemptsError):
            response.headers["retry-after"] = str(problem.retry_after)
        return response

    def redirect(self, path: str) -> Response:
        """Show another page next (RFC 9110, section 15.4.4); the path is relative, whatever host the request named."""
        return Response(status_code=303, headers={"location": path})

    def attempt(self, act: Callable[[], str], show: Callable[[Page, AnchorholdError], Response]) -> Response:
        """Do something, and show the page whose path it returns; or the page it was asked on, with what went wrong."""
        try:
            return self.redirect(act())
        except (UnauthenticatedError, CrossSiteError):
            raise
        except AnchorholdError as error:
            if self.known is None and page_status(error) >= FAULTS:
                raise
            return show(self, error)

    def begin_session(self, response: Response, secret: str) -> Response:
        """Let the browser keep a session."""
        settings = self.desk.settings
        response.set_cookie(
            cookie_name(settings), secret, path="/", secure=settings.is_https, httponly=True, samesite="strict"
        )
        return response

    def end_session(self, response: Response) -> Response:
        """Let the browser forget the session."""
        settings = self.desk.settings
        response.delete_cookie(
            cookie_name(settings), path="/", secure=settings.is_https, httponly=True, samesite="strict"
        )
        return response


def page_status(error: AnchorholdError) -> int:
    """The status of a page about an error."""
    return _STATUSES.get(type(error)) or status_of(error)


def form_token(session: str) -> str:
    """What each form of a session has in it, and no other page can know (OWASP ASVS 5.0, 3.5.1)."""
    return hmac.digest(session.encode(), b"form", "sha256").hex()


def check_form_token(page: Page) -> None:
    """Refuse a form that is not of this session.

    Raises:
        CrossSiteError: It is not.
    """
    if not hmac.compare_digest(page.form.text("csrf").encode(), form_token(page.session).encode()):
        raise CrossSiteError("form: is not of this session", hint="go back, load the page again, and retry")


def _navigation(identity: Identity) -> list[tuple[str, str]]:
    """Paths and titles of what someone can look at."""
    grants = identity.account.grants if identity.account is not None else ()
    views, asks, decides = (bool(authorities_of(grants, act)) for act in (Act.VIEW, Act.REQUEST, Act.APPROVE))
    entries = [
        (asks or decides, "/requests", marked("Requests")),
        (views, "/certificates", marked("Certificates")),
        (views, "/authorities", marked("Authorities")),
        (views, "/history", marked("History")),
        (identity.may(Act.ADMINISTER), "/accounts", marked("Accounts")),
        (identity.may(Act.ADMINISTER), "/events", marked("Events")),
    ]
    return [(path, title) for shown, path, title in entries if shown]
