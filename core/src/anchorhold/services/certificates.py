"""Certificates: issuing them, finding them, recording those that were signed elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anchorhold.errors import UnknownCertificateError
from anchorhold.ledger.certificates import ALL_VALID, CertificateFilter
from anchorhold.operations.issuer import Issuer
from anchorhold.remedy import Remedy
from anchorhold.x509.serials import parse_serial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from anchorhold.ledger import CertificateRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.order import Issued, Order
    from anchorhold.services.context import GivenSecrets, ServiceContext


class CertificateService:
    """The certificates of an installation.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def issuer(
        self, authority: str | Authority, secrets: GivenSecrets = None, *, accepted_by: Sequence[str] = ()
    ) -> Issuer:
        """Open an authority for signing; a context manager that holds its key until it is closed.

        Args:
            authority: Which one.
            secrets: For its key, by name; used when the first certificate is signed.
            accepted_by: Programs that must accept each certificate, as `AdviceService` names them.

        Raises:
            InputError: A program is not known.
        """
        context, check = self._context, None
        if accepted_by:
            from anchorhold.services.advice import draft_check

            check = draft_check(accepted_by)
        return Issuer(
            context.ledger,
            context.loaded.settings,
            context.key_of(context.authority(authority), secrets),
            context.chain,
            lambda changed: context.key_of(changed, secrets),
            check,
        )

    def sign(self, authority: str | Authority, order: Order, secrets: GivenSecrets = None) -> Issued:
        """Issue one certificate; see `Issuer.sign`. For several, `issuer` keeps the key open.

        Args:
            authority: The issuer.
            order: What to certify.
            secrets: For its key, by name.
        """
        with self.issuer(authority, secrets) as issuer:
            return issuer.sign(order)

    def get(self, serial: str, authority: str | Authority | None = None) -> CertificateRecord:
        """A certificate by its serial number in hex, or the beginning of it, if only one fits.

        Args:
            serial: Its serial number.
            authority: Its issuer, where several have used that number.

        Raises:
            UnknownCertificateError: None fits, or several do.
        """
        with self._context.ledger.translate_errors():
            found = self._context.ledger.certificates.find(parse_serial(serial), self._row(authority))
        if len(found) == 1 and found[0].certificate is not None:
            return found[0]
        if len(found) > 1:
            raise UnknownCertificateError(
                f"certificate {serial}: matches several certificates", hint="give more digits of the serial number"
            )
        raise self._not_issued(serial, authority)

    def _not_issued(self, serial: str, authority: str | Authority | None) -> UnknownCertificateError:
        """Says whether a serial number was given to a certificate that was never completed."""
        with self._context.ledger.translate_errors():
            found = self._context.ledger.certificates.find(parse_serial(serial), self._row(authority), abandoned=True)
        if len(found) != 1:
            return UnknownCertificateError(
                f"certificate {serial}: is not in the ledger",
                hint="look it up in the list of certificates",
                remedy=Remedy("certificates.list"),
            )
        record = found[0]
        return UnknownCertificateError(
            f"certificate {record.serial}: was reserved on {record.reserved_at:%Y-%m-%d %H:%M} UTC for "
            f"{record.subject or 'an empty subject'} and not issued; a signature of it may exist",
            hint="the ledger keeps its TBSCertificate; look for what was interrupted",
            remedy=Remedy("recovery.pending"),
        )

    def issuer_of(self, certificate: CertificateRecord) -> Authority:
        """The authority that has issued a certificate."""
        return self._context.authority_of_row(certificate.authority_id)

    def list(
        self,
        authority: str | Authority | None = None,
        wanted: CertificateFilter = ALL_VALID,
        *,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[CertificateRecord]:
        """A page of issued certificates: the valid ones, the first to expire first; or all, oldest first.

        Args:
            authority: Of one authority only.
            wanted: Which ones.
            after: Row number (`CertificateRecord.id`) of the last one of the page before.
            limit: Length of the page.
        """
        with self._context.ledger.translate_errors():
            return self._context.ledger.certificates.page(self._of(authority, wanted), after=after, limit=limit)

    def count(
        self, authority: str | Authority | None = None, wanted: CertificateFilter = ALL_VALID, *, after: int = 0
    ) -> int:
        """How many issued certificates there are on this page and all that follow; arguments as for `list`."""
        with self._context.ledger.translate_errors():
            return self._context.ledger.certificates.count(self._of(authority, wanted), after=after)

    def check_profile(self, name: str) -> None:
        """Refuse the name of a profile that neither exists nor existed.

        Raises:
            UnknownProfileError: It is not in the settings, not built in, and no certificate has it.
        """
        with self._context.ledger.translate_errors():
            if self._context.ledger.certificates.has_of_profile(name):
                return
        self._context.profile(name)

    def import_(self, authority: str | Authority, certificate: x509.Certificate) -> CertificateRecord:
        """Record a certificate that an authority signed elsewhere, so that it can be revoked here.

        Raises:
            CertificateInvalidError: That authority has not signed it.
            AuthorityExistsError: Its serial number is in the ledger already.
        """
        from anchorhold.operations.import_authority import record_certificate

        return record_certificate(self._context.ledger, self._context.authority(authority), certificate)

    def _of(self, authority: str | Authority | None, wanted: CertificateFilter) -> CertificateFilter:
        return wanted if authority is None else replace(wanted, authority_id=self._row(authority))

    def _row(self, authority: str | Authority | None) -> int | None:
        return None if authority is None else self._context.authority(authority).record.id
