"""Requests: submitted, looked at, decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from anchorhold.errors import AnchorholdError, InputError
from anchorhold.ledger.records import RequestStatus
from anchorhold.operations.order import Copied, Order
from anchorhold.x509.pem import pem_of
from anchorhold.x509.validity import now, parse_expiry
from anchorhold_desk.pages.authorities import given_secrets
from anchorhold_desk.pages.extension_sentences import explained
from anchorhold_desk.roles import Act

if TYPE_CHECKING:
    from starlette.responses import Response

    from anchorhold.operations.requests import Preview
    from anchorhold_desk.entries import DeskRequest
    from anchorhold_desk.pages.page import Page

STATUSES: Final[tuple[RequestStatus, ...]] = get_args(RequestStatus)
_LABEL: Final = "CERTIFICATE REQUEST"
_PEM: Final = b"-----BEGIN"


def show_requests(page: Page) -> Response:
    """The list; those that wait stand first, then the newest."""
    status: RequestStatus | None = next((each for each in STATUSES if each == page.query("status")), None)
    found = page.acting.requests(status)
    order = sorted(found, key=lambda kept: (STATUSES.index(kept.record.status), -kept.record.id))
    asks = bool(page.acting.authorities(Act.REQUEST))
    return page.render("requests.html", rows=order, statuses=STATUSES, status=status or "", asks=asks)


def show_form(page: Page, problem: AnchorholdError | None = None, preview: Preview | None = None) -> Response:
    """The form for a new one, with what was typed."""
    acting, form = page.acting, page.form
    authorities = [found.name for found in acting.authorities(Act.REQUEST)]
    chosen = acting.views.profiles()
    return page.render(
        "new_request.html",
        problem,
        authorities=authorities,
        profiles=chosen,
        authority=form.text("authority") or page.query("authority"),
        profile=form.text("profile"),
        csr=_csr_text(page),
        names=form.raw("names"),
        subject=form.text("subject"),
        expires=form.text("expires"),
        copy=form.every("copy"),
        preview=preview,
        extensions=() if preview is None else explained(preview.extensions),
    )


def submit(page: Page) -> Response:
    """Show what a request would become, or submit it."""
    preview = None

    def act() -> str:
        nonlocal preview
        authority, order = page.form.text("authority"), _order(page)
        if page.form.text("what") != "submit":
            preview = page.acting.preview(authority, order)
            return ""
        kept = page.acting.submit(authority, order)
        return f"/requests/{kept.record.id}?done={'issued' if kept.record.status == 'issued' else 'submitted'}"

    response = page.attempt(act, show_form)
    return response if preview is None else show_form(page, preview=preview)


def show_request(page: Page, problem: AnchorholdError | None = None) -> Response:
    """One of them, as the certificate that it is or would be."""
    acting = page.acting
    kept = acting.request(page.number("number"))
    decides = page.identity.may(Act.APPROVE, kept.authority)
    is_open = kept.record.status in ("waiting", "reserved")
    preview, obstacle = _preview(page, kept) if is_open else (None, None)
    signable = decides and is_open and kept.is_approved
    return page.render(
        "request.html",
        problem,
        kept=kept,
        is_open=is_open,
        decides=decides,
        approvable=decides and kept.record.status == "waiting" and not kept.is_approved and not _is_done(page, kept),
        own=_is_own(page, kept),
        signable=signable,
        preview=preview,
        obstacle=obstacle,
        extensions=() if preview is None else explained(preview.extensions),
        secrets=_asked_secrets(page, kept) if signable else (),
        csr=pem_of(kept.record.csr, _LABEL),
        why=page.form.text("why"),
    )


def approve(page: Page) -> Response:
    """Approve one."""
    return page.attempt(lambda: _decided(page.acting.approve(page.number("number")), "approved"), show_request)


def reject(page: Page) -> Response:
    """Reject one."""

    def act() -> str:
        why = page.form.text("why")
        if not why:
            raise InputError("reason: is empty", hint="tell the requester why there is no certificate")
        return _decided(page.acting.reject(page.number("number"), why), "rejected")

    return page.attempt(act, show_request)


def sign(page: Page) -> Response:
    """Sign one that was approved and could not be signed then."""
    return page.attempt(
        lambda: _decided(page.acting.sign(page.number("number"), given_secrets(page)), "approved"), show_request
    )


def _decided(kept: DeskRequest, done: str) -> str:
    return f"/requests/{kept.record.id}?done={'issued' if kept.record.status == 'issued' else done}"


def _order(page: Page) -> Order:
    """What was typed, as an order.

    Raises:
        AnchorholdError: It is none.
    """
    form, csr = page.form, _csr_text(page)
    if not csr:
        raise InputError("CSR: is missing", hint="paste one, choose a file, or make a key in the browser")
    expires = form.text("expires")
    copy: Any = frozenset(each for each in get_args(Copied) if each in form.every("copy"))
    return Order(
        csr=csr.encode(),
        names=form.lines("names"),
        subject=form.text("subject") or None,
        profile=form.text("profile") or None,
        expires=parse_expiry(expires, now()) if expires else None,
        copy=copy,
    )


def _csr_text(page: Page) -> str:
    """The request as text; a file that was chosen takes the place of what was pasted."""
    content = page.form.file("file")
    if not content:
        return page.form.text("csr")
    return content.decode(errors="replace") if _PEM in content else pem_of(content, _LABEL)


def _preview(page: Page, kept: DeskRequest) -> tuple[Preview | None, AnchorholdError | None]:
    try:
        return page.acting.views.preview_of(kept), None
    except AnchorholdError as error:
        return None, error


def _is_own(page: Page, kept: DeskRequest) -> bool:
    """Whether the reader has submitted it and must leave it to others."""
    return kept.requester == page.account.name and not page.desk.settings.rules(kept.authority).own


def _is_done(page: Page, kept: DeskRequest) -> bool:
    return page.account.name in kept.approved_by


def _asked_secrets(page: Page, kept: DeskRequest) -> Any:
    try:
        return page.acting.views.asked_secrets(page.acting.authority(kept.authority))
    except AnchorholdError:
        return ()
