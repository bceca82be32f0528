"""Requests that are kept: submitted, perhaps approved by another person, and signed by a process with the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.operations import requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.ledger.records import RequestRecord, RequestStatus
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.order import Issued, Order
    from anchorhold.operations.requests import Preview
    from anchorhold.services.context import GivenSecrets, ServiceContext


class RequestService:
    """The requests of an installation. `CertificateService.issuer` signs at once and keeps none.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def submit(self, authority: str | Authority, order: Order) -> RequestRecord:
        """Check a request, draft its certificate, and keep it; no serial number is used and no key touched.

        Args:
            authority: The authority that signs it.
            order: What is wanted.

        Raises:
            AnchorholdError: See `anchorhold.operations.requests.submit`.
        """
        chain = self._context.chain(self._context.authority(authority))
        return requests.submit(self._context.ledger, self._context.loaded.settings, chain, order)

    def preview(self, authority: str | Authority, order: Order) -> Preview:
        """The certificate that a request would become now; nothing is kept.

        Args:
            authority: The authority that would sign it.
            order: What is wanted.

        Raises:
            AnchorholdError: See `anchorhold.operations.requests.submit`.
        """
        chain = self._context.chain(self._context.authority(authority))
        return requests.preview(self._context.loaded.settings, chain, order)

    def preview_of(self, number: int) -> Preview:
        """The certificate that a request that is kept would become now.

        Args:
            number: Of the request.

        Raises:
            AnchorholdError: See `anchorhold.operations.requests.submit`.
        """
        kept = self.get(number)
        return self.preview(self._context.authority_of_row(kept.authority_id), requests.order_of(kept))

    def get(self, number: int) -> RequestRecord:
        """A request by its number.

        Raises:
            InputError: No request has that number.
        """
        with self._context.ledger.translate_errors():
            return self._context.ledger.requests.get(number)

    def list(
        self,
        status: RequestStatus | None = None,
        authority: str | Authority | None = None,
        *,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[RequestRecord]:
        """Requests, oldest first.

        Args:
            status: Of this status only.
            authority: For this authority only.
            after: Number of the last one of the page before.
            limit: Length of the page; by default all.
        """
        row = None if authority is None else self._context.authority(authority).record.id
        with self._context.ledger.translate_errors():
            return self._context.ledger.requests.list(status, row, after=after, limit=limit)

    def reserve(self, number: int) -> RequestRecord:
        """Approve a request: its serial number and TBSCertificate are recorded, ready to be signed.

        Raises:
            AnchorholdError: See `anchorhold.operations.requests.reserve`.
        """
        kept = self.get(number)
        chain = self._context.chain(self._context.authority_of_row(kept.authority_id))
        return requests.reserve(self._context.ledger, self._context.loaded.settings, chain, kept)

    def sign(self, number: int, secrets: GivenSecrets = None) -> Issued:
        """Sign a request that was reserved.

        Args:
            number: Of the request.
            secrets: For the key of the authority, by name.

        Raises:
            AnchorholdError: See `anchorhold.operations.requests.sign`.
        """
        kept = self.get(number)
        with self._context.key_of(self._context.authority_of_row(kept.authority_id), secrets) as key:
            return requests.sign(self._context.ledger, key, kept)

    def reject(self, number: int, why: str) -> RequestRecord:
        """Close a request that is not to be signed.

        Args:
            number: Of the request.
            why: The reason, for the submitter.

        Raises:
            AnchorholdError: See `anchorhold.operations.requests.reject`.
        """
        kept = self.get(number)
        authority = self._context.authority_of_row(kept.authority_id)
        return requests.reject(self._context.ledger, authority, kept, why)
