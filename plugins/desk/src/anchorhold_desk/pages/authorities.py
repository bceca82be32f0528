"""Authorities as a tree, and one of them with what it publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError
from anchorhold.x509.describe import describe
from anchorhold_desk.roles import Act

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import GivenSecrets
    from anchorhold_desk.pages.page import Page


def show_authorities(page: Page) -> Response:
    """Those that may be seen, as a tree."""
    acting = page.acting
    found = acting.authorities()
    published = {authority.name: acting.views.publication(authority) for authority in found}
    return page.render("authorities.html", tree=tree_of(found), published=published)


def show_authority(page: Page, problem: AnchorholdError | None = None) -> Response:
    """One of them."""
    acting = page.acting
    authority = acting.authority(acting.name_of(page.number("number")))
    has_certificate = authority.record.certificate is not None
    operates = page.identity.may(Act.OPERATE, authority.name)
    return page.render(
        "authority.html",
        problem,
        authority=authority,
        content=describe(authority.certificate) if has_certificate else None,
        published=acting.views.publication(authority),
        places=acting.views.ocsp_places() if operates else (),
        advice=acting.views.advice_of(authority) if has_certificate else None,
        operates=operates,
        secrets=_asked(page, authority) if operates else (),
        rules=page.desk.settings.rules(authority.name),
    )


def make_crls(page: Page) -> Response:
    """Make CRLs."""

    def act() -> str:
        acting, number = page.acting, page.number("number")
        acting.generate_crls(acting.name_of(number), given_secrets(page))
        return f"/authorities/{number}?done=crls"

    return page.attempt(act, show_authority)


def renew_responder(page: Page) -> Response:
    """Make a new OCSP responder, with its key in the backend that was chosen."""

    def act() -> str:
        acting, number = page.acting, page.number("number")
        acting.renew_responder(acting.name_of(number), page.form.text("alias") or None, given_secrets(page))
        return f"/authorities/{number}?done=responder"

    return page.attempt(act, show_authority)


@dataclass(frozen=True, slots=True)
class Branch:
    """An authority with those that it has signed.

    Attributes:
        authority: The authority.
        below: What it has signed.
    """

    authority: Authority
    below: Sequence[Branch]


def tree_of(found: Sequence[Authority]) -> Sequence[Branch]:
    """Authorities, each with those that it has signed; one whose parent may not be seen stands at the top.

    Args:
        found: The authorities.
    """
    by_number: Mapping[int, Authority] = {authority.record.id: authority for authority in found}
    below: dict[int | None, list[Authority]] = {}
    for authority in found:
        parent = authority.record.parent_id
        below.setdefault(parent if parent in by_number else None, []).append(authority)

    def branches(number: int | None) -> Sequence[Branch]:
        return [Branch(authority, branches(authority.record.id)) for authority in below.get(number, ())]

    return branches(None)


def given_secrets(page: Page) -> GivenSecrets:
    """Secrets that were typed for a key; they are used now and kept nowhere."""
    typed = {name: page.secret(f"secret-{name}") for name in page.form.names("secret-")}
    return {name: value for name, value in typed.items() if value} or None


def _asked(page: Page, authority: Authority) -> Sequence[str]:
    """Names of the secrets that people may know; none if the key backend cannot be used, which other places say."""
    try:
        return page.acting.views.asked_secrets(authority)
    except AnchorholdError:
        return ()
