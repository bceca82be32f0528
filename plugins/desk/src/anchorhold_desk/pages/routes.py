"""Which path leads where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold_desk.pages import (
    accounts,
    authorities,
    certificates,
    history,
    log_in,
    overview,
    own_account,
    requests,
)
from anchorhold_desk.pages.serving import Pages, not_found

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from anchorhold_desk.desk import Desk


def routes(desk: Desk) -> list[BaseRoute]:
    """The routes of all pages; the last one answers whatever is not found.

    Args:
        desk: The desk.
    """
    pages = Pages(desk)
    page, form, number = pages.page, pages.form, "{number}"
    account, authority, certificate = "/accounts/{name}", f"/authorities/{number}", "/certificates/{serial}"
    return [
        *pages.static.routes(),
        *page("/login", log_in.show_log_in, log_in.log_in, public=True),
        *page("/link", log_in.show_link, log_in.set_password, public=True),
        *form("/logout", log_in.log_out),
        *page("/", overview.show_overview),
        *page("/account", own_account.show_account),
        *form("/account/password", own_account.change_password),
        *page("/account/second-factor", own_account.show_second_factor, own_account.set_second_factor),
        *form("/account/tokens", own_account.make_token),
        *form("/account/tokens/end", own_account.end_token),
        *page("/requests", requests.show_requests),
        *page("/requests/new", requests.show_form, requests.submit),
        *page(f"/requests/{number}", requests.show_request),
        *form(f"/requests/{number}/approve", requests.approve),
        *form(f"/requests/{number}/reject", requests.reject),
        *form(f"/requests/{number}/sign", requests.sign),
        *page("/certificates", certificates.show_certificates),
        *page("/certificates/find", certificates.find_certificate),
        *page(certificate, certificates.show_certificate),
        *page(f"{certificate}/{{file}}", certificates.download),
        *form(f"{certificate}/revoke", certificates.revoke),
        *form(f"{certificate}/release", certificates.release),
        *page("/authorities", authorities.show_authorities),
        *page(authority, authorities.show_authority),
        *form(f"{authority}/crls", authorities.make_crls),
        *form(f"{authority}/responder", authorities.renew_responder),
        *page("/history", history.show_history),
        *page("/accounts", accounts.show_accounts, accounts.add_account),
        *page(account, accounts.show_account, accounts.change_account),
        *form(f"{account}/link", accounts.make_link),
        *form(f"{account}/second-factor", accounts.remove_second_factor),
        *page("/events", accounts.show_events),
        *page("/{path:path}", not_found, not_found, public=True),
    ]
