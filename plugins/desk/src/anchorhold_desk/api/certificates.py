"""Certificates: searching, showing in each form, revoking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from anchorhold.ledger.certificates import CertificateFilter
from anchorhold.x509.describe import describe
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.pem import pem_of
from anchorhold_desk.api.cursors import Cursor, cursor_of, number_of
from anchorhold_desk.api.endpoint import JSON, Call, Content, Endpoint, Link
from anchorhold_desk.api.model import Flag, Model, Moment, Name, PageSize, Query, Told
from anchorhold_desk.roles import Act

if TYPE_CHECKING:
    from anchorhold_desk.entries import DeskCertificate

PEM_CHAIN: Final = "application/pem-certificate-chain"
DER: Final = "application/pkix-cert"
"""RFC 8555, section 9.1, and RFC 2585, section 4.1."""
KIND: Final = "certificate"


class CertificateQuery(Query):
    """Which certificates."""

    authority: Name | None = None
    profile: Name | None = None
    revoked: Flag | None = None
    expired: Flag = False
    expiring: Moment | None = None
    cursor: Cursor | None = None
    limit: PageSize = 100


class CertificateItem(Model):
    """A certificate, as the ledger has it."""

    number: int
    serial: str
    authority: str
    profile: str
    subject: str
    names: list[str]
    not_before: Told
    not_after: Told
    issued_at: Told | None
    revoked_at: Told | None
    revocation_reason: str | None


class CertificateDetail(CertificateItem):
    """A certificate with its content."""

    certificate: dict[str, Any]
    pem: str
    chain: list[str]


class CertificatePage(Model):
    """A page of certificates."""

    items: list[CertificateItem]
    next: str | None


class Revocation(Model):
    """Why a certificate is revoked (RFC 5280, section 5.3.1)."""

    reason: Literal[
        "unspecified",
        "keyCompromise",
        "cACompromise",
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "certificateHold",
        "privilegeWithdrawn",
        "aACompromise",
    ] = "unspecified"


def _item(found: DeskCertificate) -> dict[str, Any]:
    return {"number": found.record.id, **found.record.to_json_with(found.authority, found.revocation)}


def _list(call: Call) -> dict[str, Any]:
    query: CertificateQuery = call.query
    wanted = CertificateFilter(
        expired=query.expired, revoked=query.revoked, profile=query.profile, expiring=query.expiring
    )
    after = number_of(KIND, query.cursor) or 0
    page = call.acting.certificates(query.authority, wanted, after=after, limit=query.limit)
    more = len(page) == query.limit
    return {
        "items": [_item(found) for found in page],
        "next": cursor_of(KIND, page[-1].record.id) if more else None,
    }


def _show(call: Call) -> dict[str, Any] | Content:
    found = call.acting.certificate(call.path["serial"])
    der = found.record.certificate or b""
    if call.media == DER:
        return Content(der, DER)
    above = [part for part in call.acting.chain(found) if part != der]
    if call.media == PEM_CHAIN:
        return Content("".join(map(pem_of, (der, *above))).encode(), PEM_CHAIN)
    return {
        **_item(found),
        "certificate": describe(load_lenient(der)),
        "pem": pem_of(der),
        "chain": [pem_of(part) for part in above],
    }


def _revoke(call: Call) -> dict[str, Any]:
    return _item(call.acting.revoke(call.path["serial"], call.body.reason))


def _release(call: Call) -> dict[str, Any]:
    return _item(call.acting.release(call.path["serial"]))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/certificates",
        operation="listCertificates",
        summary="A page of certificates: the valid ones, the first to expire first; or all, oldest first",
        acts=(Act.VIEW,),
        query=CertificateQuery,
        answer=CertificatePage,
        handler=_list,
        links=tuple(
            Link(operation, "serial", "/items/0/serial")
            for operation in ("showCertificate", "revokeCertificate", "releaseCertificate")
        ),
    ),
    Endpoint(
        method="GET",
        path="/certificates/{serial}",
        operation="showCertificate",
        summary="A certificate as JSON, as PEM with its chain, or as DER",
        acts=(Act.VIEW,),
        answer=CertificateDetail,
        handler=_show,
        media=(JSON, PEM_CHAIN, DER),
        is_one=True,
    ),
    Endpoint(
        method="POST",
        path="/certificates/{serial}/revoke",
        operation="revokeCertificate",
        summary="Revoke a certificate, or put it on hold",
        acts=(Act.REVOKE,),
        body=Revocation,
        answer=CertificateItem,
        handler=_revoke,
    ),
    Endpoint(
        method="POST",
        path="/certificates/{serial}/release",
        operation="releaseCertificate",
        summary="Remove the hold from a certificate",
        acts=(Act.REVOKE,),
        answer=CertificateItem,
        handler=_release,
    ),
)
