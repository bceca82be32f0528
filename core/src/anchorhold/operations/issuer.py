"""Signing requests with an authority: from an order, through the profile, to a recorded certificate."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from anchorhold.operations.certificate_drafter import CertificateDrafter
from anchorhold.operations.issuance import issue
from anchorhold.operations.order import Issued
from anchorhold.operations.parallel import OrderedParallel
from anchorhold.profiles.copying import not_granted
from anchorhold.x509.csr import CertificationRequest, CheckedRequest, check_csr, read_csr
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from anchorhold.ledger import Ledger
    from anchorhold.operations.authority import Authority, Chain
    from anchorhold.operations.order import Order
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.settings import Settings
    from anchorhold.x509.csr_keys import SubjectKey

BATCH_SIZE: Final = 1_000
"""How many certificates share one commit."""


_Request: TypeAlias = "tuple[CertificationRequest, SubjectKey]"


class Issuer:
    """An authority that signs. It holds its key from the first certificate until it is closed. Threads may share it.

    What is changed of the authority meanwhile counts for what is signed afterwards; one that is disabled signs no more.

    Args:
        ledger: Where certificates are recorded.
        settings: For the profiles.
        key: Of the authority.
        chain: Gives an authority and those above it.
        key_of: Gives the key of an authority, for one whose key was moved meanwhile.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        key: SigningKey,
        chain: Callable[[Authority], Chain],
        key_of: Callable[[Authority], SigningKey],
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._chain = chain
        self._key_of = key_of
        self._keys = [key]
        self._renewing = Lock()
        self._opened = self._with(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def authority(self) -> Authority:
        """The authority that signs, as it was when something was signed last."""
        return self._opened.key.authority

    def sign(self, order: Order) -> Issued:
        """Sign one request: two commits, durable before the certificate is returned.

        Raises:
            RequestInvalidError, RequestSignatureError, WeakKeyError: The request is not fit to be signed.
            NameForbiddenError, SubjectInvalidError, ProfileRefusedError, ValidityError: Nor is what was ordered.
            AuthorityNotReadyError, AuthorityExpiredError, PathLengthError: The authority must not sign.
            SecretMissingError, SecretWrongError, KeyMissingError: Its key cannot be used.
            RefusedError: A wrapper refused.
        """
        return self.sign_many([order])[0]

    def sign_many(self, orders: Iterable[Order]) -> list[Issued]:
        """Sign many requests, a thousand to two commits; see `sign`.

        If one of them is not fit, none of its thousand is signed. If the key fails in the middle, those signed
        before it are in the ledger.
        """
        opened = self._opened
        if opened.key.authority.record.status != "active":
            opened = self._renewed(opened)  # it may have been enabled
        opened.key.authority.check_ready()
        return [issued for batch in _batches(orders) for issued in self._sign_batch(batch)]

    def close(self) -> None:
        """Give the key back."""
        for key in self._keys:
            key.close()

    def _sign_batch(self, orders: Sequence[Order]) -> list[Issued]:
        checking: OrderedParallel[_Request] = OrderedParallel(len(orders))
        requests = checking.run(lambda number: checked_request(orders[number]))
        opened = self._opened
        while True:
            try:
                return self._issue(opened, orders, requests)
            except _ChangedError:
                opened = self._renewed(opened)
                opened.key.authority.check_ready()

    def _issue(self, opened: _OpenAuthority, orders: Sequence[Order], requests: Sequence[_Request]) -> list[Issued]:
        drafts = [opened.drafter.draft(order, *checked) for order, checked in zip(orders, requests, strict=True)]
        certificates = issue(self._ledger, opened.key, drafts, check=lambda: self._check(opened))
        return [
            Issued(
                der=der,
                serial=format_serial(draft.serial),
                not_after=draft.not_after,
                not_granted=not_granted(request, draft),
            )
            for der, draft, (request, _) in zip(certificates, drafts, requests, strict=True)
        ]

    def _check(self, opened: _OpenAuthority) -> None:
        """Within the transaction that reserves: what was drafted is drafted from the authority as it is."""
        record = opened.key.authority.record
        if self._ledger.authorities.state(record.id) != (record.status, record.revision):
            raise _ChangedError

    def _renewed(self, before: _OpenAuthority) -> _OpenAuthority:
        """The authority as it is now, with the same key unless that was moved; keys in use are not closed."""
        with self._renewing:
            if self._opened is before:
                current = before.key.authority.refreshed(self._ledger)
                key = before.key.of(current)
                if key is None:
                    key = self._key_of(current)
                    self._keys.append(key)
                self._opened = self._with(key)
            return self._opened

    def _with(self, key: SigningKey) -> _OpenAuthority:
        return _OpenAuthority(key, CertificateDrafter(self._settings, self._chain(key.authority)))


@dataclass(frozen=True, slots=True)
class _OpenAuthority:
    """An authority as it was read, with its key and what makes its drafts."""

    key: SigningKey
    drafter: CertificateDrafter


class _ChangedError(Exception):
    """The authority was changed since it was read."""


def checked_request(order: Order) -> tuple[CertificationRequest, SubjectKey]:
    """The request of an order and the key in it, whose signature is verified."""
    if isinstance(order.csr, CheckedRequest):
        return order.csr.request, order.csr.key
    request = read_csr(order.csr) if isinstance(order.csr, bytes) else CertificationRequest.of(order.csr)
    return request, check_csr(request)


def _batches(orders: Iterable[Order]) -> Iterator[list[Order]]:
    batch: list[Order] = []
    for order in orders:
        batch.append(order)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch
