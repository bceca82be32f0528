"""What someone changes of their own account: the password, the second factor, API tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyotp
import segno

from anchorhold.errors import AnchorholdError, InputError
from anchorhold_desk.pages.log_in import check_repeated
from anchorhold_desk.roles import Act, authorities_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from anchorhold_desk.pages.page import Page

ISSUER: Final = "anchorhold desk"
"""Under which apps list the codes."""
DAY: Final = 86_400
LIVES: Final = (1, 7, 30, 90, 365)
"""Days that a token can be good for."""
TOKEN_ACTS: Final = tuple(act for act in Act if act is not Act.ADMINISTER)


def show_account(page: Page, problem: AnchorholdError | None = None) -> Response:
    """The own account."""
    return _account(page, problem)


def _account(page: Page, problem: AnchorholdError | None = None, token: str = "") -> Response:
    acts = [act for act in TOKEN_ACTS if authorities_of(page.account.grants, act)]
    return page.render(
        "own_account.html",
        problem,
        account=page.account,
        tokens=page.desk.tokens.list(page.account),
        acts=acts,
        lives=LIVES,
        token=token,
        name=page.form.text("token_name"),
        chosen=page.form.every("act"),
    )


def change_password(page: Page) -> Response:
    """Change the password."""
    secret = ""

    def act() -> str:
        nonlocal secret
        page.attempts.count(page.origin)
        check_repeated(page)
        secret = page.desk.logins.change_password(page.identity, page.secret("old"), page.secret("password"))
        page.attempts.forgive(page.origin)
        return "/account?done=password"

    response = page.attempt(act, show_account)
    return page.begin_session(response, secret) if secret else response


def show_second_factor(page: Page, problem: AnchorholdError | None = None) -> Response:
    """A secret for codes, as text and as a picture; it counts once a code of it was given."""
    secret = _secret(page) or page.desk.logins.new_second_factor()
    url = pyotp.TOTP(secret).provisioning_uri(name=page.account.name, issuer_name=ISSUER)
    picture = segno.make(url, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True)
    return page.render("second_factor.html", problem, secret=secret, url=url, picture=picture)


def set_second_factor(page: Page) -> Response:
    """Let log-ins need a code."""

    def act() -> str:
        page.attempts.count(page.origin)
        secret = _secret(page)
        if not secret:
            raise InputError("second factor: its secret cannot be read", hint="load the page again")
        page.desk.logins.confirm(page.identity, page.secret("password"))
        code = page.form.text("code").replace(" ", "")
        page.desk.logins.set_second_factor(page.account, secret, code, page.identity)
        page.attempts.forgive(page.origin)
        return "/account?done=second-factor"

    return page.attempt(act, show_second_factor)


def make_token(page: Page) -> Response:
    """Make a token, and show it: it is kept nowhere, so no other page can."""
    try:
        acts = [Act(name) for name in page.form.every("act") if name in set(TOKEN_ACTS)]
        days = page.form.text("days")
        life = int(days) * DAY if days.isdecimal() and len(days) < 5 else 0
        token = page.desk.tokens.add(page.account, page.form.text("token_name"), acts, life, page.identity)
    except AnchorholdError as error:
        return _account(page, error)
    return _account(page, token=token)


def end_token(page: Page) -> Response:
    """End a token."""

    def act() -> str:
        page.desk.tokens.end(page.account, page.form.text("token"), page.identity)
        return "/account?done=ended"

    return page.attempt(act, show_account)


def _secret(page: Page) -> str:
    """The secret that the form had; empty if it is none."""
    given = page.form.text("secret")
    return given if len(given) == 32 and set(given) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") else ""
