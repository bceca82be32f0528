"""Revoking certificates, and taking a hold back (RFC 5280, section 5.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import RevocationError
from anchorhold.remedy import Remedy
from anchorhold.x509.crl_entries import HOLD, crl_entry
from anchorhold.x509.validity import now

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.ledger import CertificateRecord, Ledger
    from anchorhold.operations.authority import Authority


def revoke(
    ledger: Ledger,
    authority: Authority,
    certificate: CertificateRecord,
    reason: str = "unspecified",
    invalidity: dt.datetime | None = None,
) -> None:
    """Revoke a certificate; one that is on hold is revoked permanently, since the moment it was put on hold.

    One that has expired can be revoked too: what was signed with its key may be verified much later.

    Args:
        ledger: Where it is recorded, at once and durably.
        authority: Its issuer.
        certificate: The certificate.
        reason: One of `anchorhold.x509.crl_entries.REASONS`.
        invalidity: Since when its key may not have been trustworthy; None for what was said when it was put on hold.

    Raises:
        RevocationError: It is revoked already, or is the authority's own.
    """
    if certificate.certificate == authority.record.certificate:
        raise RevocationError(
            f"certificate {certificate.serial}: is that of the root {authority.name!r}, which cannot revoke itself",
            hint="remove it from all trust stores, and disable the authority",
            remedy=Remedy("authorities.edit", {"authority": authority.name, "enabled": False}),
        )
    with ledger.transaction():
        ledger.authorities.lock(authority.record.id)
        moment = now()  # not before the lock: lists made while it was waited for do not have it
        known = ledger.revocations.of([certificate.id]).get(certificate.id)
        if known is not None and (known.reason != HOLD or reason == HOLD):
            raise RevocationError(
                f"certificate {certificate.serial}: was revoked on {known.revoked_at:%Y-%m-%d %H:%M} UTC "
                f"({known.reason})",
                hint="no action is needed",
            )
        revoked_at = moment if known is None else known.revoked_at
        invalidity = known.invalidity_at if known is not None and invalidity is None else invalidity
        entry = crl_entry(int(certificate.serial, 16), revoked_at, reason, invalidity)
        if known is None:
            ledger.revocations.add(
                certificate,
                shard=authority.record.issuing.shard_of(int(certificate.serial, 16)),
                revoked_at=revoked_at,
                reason=reason,
                invalidity_at=invalidity,
                entry=entry,
            )
        else:
            ledger.revocations.change(known.id, reason=reason, invalidity_at=invalidity, entry=entry)
            ledger.authorities.count_rewrite(authority.record.id)
        ledger.events.append("certificate-revoked", authority.record, serial=certificate.serial, reason=reason)


def release(ledger: Ledger, authority: Authority, certificate: CertificateRecord) -> None:
    """Take a hold back: the certificate is good again.

    Raises:
        RevocationError: It is not on hold.
    """
    with ledger.transaction():
        ledger.authorities.lock(authority.record.id)
        known = ledger.revocations.of([certificate.id]).get(certificate.id)
        if known is None or known.reason != HOLD:
            state = "is not revoked" if known is None else f"was revoked permanently ({known.reason})"
            raise RevocationError(
                f"certificate {certificate.serial}: {state}",
                hint=f"only certificates revoked for {HOLD} can be released",
            )
        ledger.revocations.remove(known.id)
        ledger.authorities.count_rewrite(authority.record.id)
        ledger.events.append("certificate-released", authority.record, serial=certificate.serial)
