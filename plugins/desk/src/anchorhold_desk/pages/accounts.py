"""Accounts, for those who administer them: made, given roles and links, deactivated; and what happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold_desk.first_account import link_url
from anchorhold_desk.roles import EVERY_AUTHORITY, RIGHTS, Act, Grant, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from anchorhold_desk.pages.page import Page

EVENTS: Final = 50
"""On a page."""
_ROLES: Final = {role.value: role for role in Role}


def show_accounts(page: Page, problem: AnchorholdError | None = None) -> Response:
    """The list, and a form for a new one."""
    return page.render(
        "accounts.html",
        problem,
        accounts=page.acting.administered().list(),
        name=page.form.text("name"),
        mail=page.form.text("mail"),
    )


def add_account(page: Page) -> Response:
    """Make one."""

    def act() -> str:
        name = page.form.text("name")
        page.acting.administered().add(name, page.form.text("mail"), [], page.identity)
        return f"/accounts/{name}?done=added"

    return page.attempt(act, show_accounts)


def show_account(page: Page, problem: AnchorholdError | None = None) -> Response:
    """One of them, with its roles."""
    return _account(page, problem)


def _account(page: Page, problem: AnchorholdError | None = None, link: str = "") -> Response:
    account = page.acting.administered().get(page.part("name"))
    known = [EVERY_AUTHORITY, *(found.name for found in page.acting.authorities(Act.ADMINISTER))]
    places = list(dict.fromkeys([*known, *(grant.authority for grant in account.grants)]))
    return page.render(
        "account.html", problem, account=account, places=places, roles=list(Role), rights=RIGHTS, grant=Grant, link=link
    )


def change_account(page: Page) -> Response:
    """Save the address and the roles of one."""

    def act() -> str:
        page.acting.administered().change(
            page.part("name"),
            page.identity,
            mail=page.form.text("mail"),
            active=page.form.text("active") == "yes",
            grants=_grants(page.form.every("grant")),
        )
        return f"/accounts/{page.part('name')}?done=changed"

    return page.attempt(act, show_account)


def make_link(page: Page) -> Response:
    """Make a link, and show it: it is kept nowhere, so no other page can."""
    try:
        link = page.acting.administered().make_link(page.part("name"), page.identity)
    except AnchorholdError as error:
        return _account(page, error)
    return _account(page, link=link_url(page.desk, link))


def remove_second_factor(page: Page) -> Response:
    """Let log-ins of someone else need no code any more."""

    def act() -> str:
        account = page.acting.administered().get(page.part("name"))
        page.acting.may_reset(account)
        page.desk.logins.remove_second_factor(account, page.identity)
        return f"/accounts/{account.name}?done=second-factor-removed"

    return page.attempt(act, show_account)


def show_events(page: Page) -> Response:
    """What happened to accounts, the newest first."""
    before = page.query("before")
    found = page.acting.events(int(before) if before.isdecimal() and len(before) < 19 else None, EVENTS + 1)
    return page.render("events.html", events=found[:EVENTS], more=found[EVENTS - 1].id if found[EVENTS:] else None)


def _grants(given: Sequence[str]) -> list[Grant]:
    """Roles as the boxes of the form name them."""
    parts = [text.partition(" ") for text in given]
    return [Grant(_ROLES[role], authority) for role, _, authority in parts if role in _ROLES and authority]
