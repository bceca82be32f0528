"""Logging in and out, and the page where a one-time link leads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from anchorhold.errors import InputError
from anchorhold_desk.logins import LoginError
from anchorhold_desk.pages.rate_limit import TooManyAttemptsError

if TYPE_CHECKING:
    from starlette.responses import Response

    from anchorhold.errors import AnchorholdError
    from anchorhold_desk.pages.page import Page

_OWN_PATH: Final = re.compile(r"/(?!/)[A-Za-z0-9/._-]*")
"""A path of the desk: what comes after it would be sent to another site otherwise."""


def show_log_in(page: Page, problem: AnchorholdError | None = None) -> Response:
    """The form to log in."""
    following = page.query("next") or page.form.text("next")
    return page.render("log_in.html", problem, name=page.form.text("name"), following=own_path(following))


def log_in(page: Page) -> Response:
    """Begin a session; one that was there ends."""
    try:
        page.attempts.count(page.origin)
        name, code = page.form.text("name"), page.form.text("code").replace(" ", "")
        secret = page.desk.logins.log_in(name, page.secret("password"), code, page.origin)
    except (LoginError, TooManyAttemptsError) as error:
        return show_log_in(page, error)
    page.attempts.forgive(page.origin)
    _end(page)
    return page.begin_session(page.redirect(own_path(page.form.text("next"))), secret)


def log_out(page: Page) -> Response:
    """End the session."""
    _end(page)
    return page.end_session(page.redirect("/login?done=logged-out"))


def show_link(page: Page, problem: AnchorholdError | None = None) -> Response:
    """The form to set a password; a script takes the secret of the link from the URL's fragment."""
    return page.render("link.html", problem, link=page.form.text("link"))


def set_password(page: Page) -> Response:
    """Set a password with a link."""
    password, link = page.secret("password"), page.form.text("link")

    def act() -> str:
        page.attempts.count(page.origin)
        check_repeated(page)
        page.desk.logins.set_password(link, password, page.origin)
        page.attempts.forgive(page.origin)
        return "/login?done=password"

    return page.attempt(act, show_link)


def check_repeated(page: Page) -> None:
    """Refuse a new password that was not typed twice alike.

    Raises:
        InputError: It was not.
    """
    if page.secret("password") != page.secret("again"):
        raise InputError("password: was not typed twice alike", hint="type it twice")


def own_path(path: str) -> str:
    """A path of the desk; the first page if it is none."""
    return path if _OWN_PATH.fullmatch(path) else "/"


def _end(page: Page) -> None:
    if page.known is not None:
        page.desk.logins.log_out(page.session, page.known)
