"""Certificates: found, shown, downloaded, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from anchorhold.ledger.certificates import CertificateFilter
from anchorhold.x509.crl_entries import HOLD, REASONS
from anchorhold.x509.describe import describe
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.pem import pem_of
from anchorhold.x509.validity import now, parse_expiry
from anchorhold_desk.pages.extension_sentences import explained
from anchorhold_desk.pages.languages import marked
from anchorhold_desk.pages.serving import not_found
from anchorhold_desk.roles import EVERY_AUTHORITY, Act

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.errors import AnchorholdError
    from anchorhold_desk.desk import ActingDesk
    from anchorhold_desk.entries import DeskCertificate
    from anchorhold_desk.pages.page import Page

LENGTH: Final = 50
"""Of a page of the list."""
STATES: Final[Mapping[str, dict[str, Any]]] = {
    "valid": {"revoked": False},
    "revoked": {"revoked": True, "expired": True},
    "all": {"expired": True},
}
SPANS: Final = ("7d", "30d", "90d", "365d")
"""Within which a certificate expires, for the filter."""
FILES: Final[Mapping[str, tuple[str, str]]] = {
    "certificate.pem": (".pem", "application/x-pem-file"),
    "certificate.der": (".cer", "application/pkix-cert"),
    "chain.pem": (".chain.pem", "application/x-pem-file"),
}
"""Names of downloads; how the name of the file ends, and its type."""
REASON_SENTENCES: Final[Mapping[str, str]] = {
    "unspecified": marked("No reason is given."),
    "keyCompromise": marked("Someone else has or may have the key."),
    "cACompromise": marked("Someone else has or may have the key of the authority that it is of."),
    "affiliationChanged": marked("The names in it are no longer right."),
    "superseded": marked("Another certificate has taken its place."),
    "cessationOfOperation": marked("It is not used any more."),
    "certificateHold": marked("On hold: it can be released."),
    "privilegeWithdrawn": marked("Its holder may no longer do what it allows."),
    "aACompromise": marked("An attribute authority was compromised."),
}


def show_certificates(page: Page, problem: AnchorholdError | None = None) -> Response:
    """The list, filtered."""
    acting = page.acting
    authorities = [found.name for found in acting.authorities()]
    sees_all = EVERY_AUTHORITY in acting.visible()
    name = page.query("authority") or (None if sees_all else next(iter(authorities), None))
    state = page.query("state") if page.query("state") in STATES else "valid"
    after = page.query("after")
    number = int(after) if after.isdecimal() and len(after) < 19 else 0
    rows: list[DeskCertificate] = []
    if name is not None or sees_all:
        rows = list(acting.certificates(name, _wanted(page, state), after=number, limit=LENGTH + 1))
    asked = {"authority": name or "", "profile": page.query("profile"), "state": state, "within": page.query("within")}
    following = urlencode({**asked, "after": rows[LENGTH - 1].record.id}) if rows[LENGTH:] else ""
    return page.render(
        "certificates.html",
        problem,
        rows=rows[:LENGTH],
        following=following,
        asked=asked,
        authorities=authorities,
        sees_all=sees_all,
        profiles=[found.name for found in acting.views.profiles()],
        states=list(STATES),
        spans=SPANS,
        serial=page.query("serial"),
    )


def find_certificate(page: Page) -> Response:
    """The certificate whose serial number begins as was typed."""
    serial = page.query("serial")
    return page.attempt(lambda: f"/certificates/{page.acting.certificate(serial).record.serial}", show_certificates)


def show_certificate(page: Page, problem: AnchorholdError | None = None) -> Response:
    """One of them."""
    acting = page.acting
    found = acting.certificate(page.part("serial"))
    content = describe(load_lenient(found.record.certificate or b"", forgiving=True))
    revocation = found.revocation
    return page.render(
        "certificate.html",
        problem,
        found=found,
        content=content,
        extensions=explained(content["extensions"]),
        advice=acting.views.advice(found),
        number=_number_of(acting, found.authority),
        revokes=page.identity.may(Act.REVOKE, found.authority),
        held=revocation is not None and revocation.reason == HOLD,
        expired=found.record.not_after <= now(),
        reasons=[(name, REASON_SENTENCES[name]) for name in REASONS],
        chosen=page.form.text("reason"),
    )


def download(page: Page) -> Response:
    """A certificate as a file."""
    found = page.acting.certificate(page.part("serial"))
    der, serial = found.record.certificate or b"", found.record.serial
    wanted = page.part("file")
    if wanted not in FILES:
        return not_found(page)
    ending, kind = FILES[wanted]
    chain = [der, *page.acting.chain(found)] if wanted == "chain.pem" else [der]
    content = der if wanted == "certificate.der" else "".join(map(pem_of, chain)).encode()
    headers = {"content-disposition": f'attachment; filename="{serial}{ending}"'}
    return Response(content, media_type=kind, headers=headers)


def revoke(page: Page) -> Response:
    """Revoke a certificate, or put it on hold."""

    def act() -> str:
        serial, reason = page.part("serial"), page.form.text("reason")
        page.acting.revoke(serial, reason)
        return f"/certificates/{serial}?done={'held' if reason == HOLD else 'revoked'}"

    return page.attempt(act, show_certificate)


def release(page: Page) -> Response:
    """Remove the hold from a certificate."""

    def act() -> str:
        page.acting.release(page.part("serial"))
        return f"/certificates/{page.part('serial')}?done=released"

    return page.attempt(act, show_certificate)


def _wanted(page: Page, state: str) -> CertificateFilter:
    within = page.query("within")
    expiring = parse_expiry(within, now()) if within in SPANS else None
    return CertificateFilter(profile=page.query("profile") or None, expiring=expiring, **STATES[state])


def _number_of(acting: ActingDesk, name: str) -> int | None:
    """The row number of an authority, for a link to it."""
    return next((found.record.id for found in acting.authorities() if found.name == name), None)
