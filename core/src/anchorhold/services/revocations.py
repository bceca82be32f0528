"""Revoking certificates, and taking a hold back (RFC 5280, section 5.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import UnknownCertificateError
from anchorhold.operations.revocation import release, revoke
from anchorhold.services.certificates import CertificateService
from anchorhold.x509.crl_entries import parse_reason
from anchorhold.x509.serials import complete_serial, parse_serial

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from anchorhold.ledger import CertificateRecord
    from anchorhold.ledger.records import RevocationRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.services.context import ServiceContext

MIN_SERIAL_PREFIX: Final = 8
"""Digits of a serial number, for what cannot be taken back."""


class RevocationService:
    """The revocations of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def revoke(
        self,
        serial: str,
        reason: str = "unspecified",
        invalidity: dt.datetime | None = None,
        *,
        authority: str | Authority | None = None,
    ) -> CertificateRecord:
        """Revoke a certificate; the next CRL and OCSP response say so.

        Args:
            serial: Its serial number in hex, or 8 digits or more from its beginning, if only one fits.
            reason: One of `anchorhold.x509.crl_entries.REASONS`.
            invalidity: Since when its key may not have been trustworthy.
            authority: Its issuer, where several have used that number.

        Raises:
            UnknownCertificateError: No certificate, or more than one, matches, or the serial number is too short.
            RevocationError: It is revoked already, or is the certificate of a root.
            InputError: The serial number or the reason cannot be read.
            OcspResponsesError: It is revoked, and pre-signed OCSP responses may not say so.
        """
        found = self._revocable(serial, authority)
        issuer = self._context.authority_of_row(found.authority_id)
        revoke(self._context.ledger, issuer, found, parse_reason(reason), invalidity)
        self._replace_responses(found)
        return found

    def release(self, serial: str, *, authority: str | Authority | None = None) -> CertificateRecord:
        """Remove the hold from a certificate; arguments as for `revoke`.

        Raises:
            UnknownCertificateError: No certificate, or more than one, matches, or the serial number is too short.
            RevocationError: It is not on hold.
            OcspResponsesError: It is released, and pre-signed OCSP responses may not say so.
        """
        found = self._revocable(serial, authority)
        release(self._context.ledger, self._context.authority_of_row(found.authority_id), found)
        self._replace_responses(found)
        return found

    def get(self, certificate: CertificateRecord) -> RevocationRecord | None:
        """The revocation of a certificate; None if it is not revoked."""
        return self.of([certificate]).get(certificate.id)

    def of(self, certificates: Sequence[CertificateRecord]) -> dict[int, RevocationRecord]:
        """The revocations of those that are revoked, by row number of the certificate."""
        with self._context.ledger.translate_errors():
            return self._context.ledger.revocations.of([record.id for record in certificates])

    def _replace_responses(self, certificate: CertificateRecord) -> None:
        """Let pre-signed OCSP responses say what was committed, before the caller is told of it."""
        if self._context.loaded.settings.ocsp_responses.folder is not None:
            from anchorhold.services.ocsp_responses import OcspResponseService

            OcspResponseService(self._context).replace(certificate)

    def _revocable(self, serial: str, authority: str | Authority | None) -> CertificateRecord:
        """A certificate, or a serial number for which a signature may exist although none was recorded.

        Revoking is permanent, so a slip that leaves the beginning of another serial number must not do it.
        """
        issuer = None if authority is None else self._context.authority(authority).record.id
        digits = parse_serial(serial)
        with self._context.ledger.translate_errors():
            found = self._context.ledger.certificates.find(digits, issuer, abandoned=True)
        one = found[0] if len(found) == 1 else CertificateService(self._context).get(serial, authority)
        if one.serial != complete_serial(digits) and len(digits) < MIN_SERIAL_PREFIX:
            raise UnknownCertificateError(
                f"certificate {serial}: is too short to revoke a certificate (its serial number is {one.serial})",
                hint=f"give at least {MIN_SERIAL_PREFIX} digits of the serial number",
            )
        return one
