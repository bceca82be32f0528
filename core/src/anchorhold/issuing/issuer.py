"""Signing requests with an authority: from an order, through the profile, to a recorded certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

from cryptography import x509

from anchorhold.issuing.drafting import Drafter
from anchorhold.issuing.issuance import issue
from anchorhold.issuing.sharing import Shared
from anchorhold.x509.csr import check_csr, not_granted, read_csr
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.chain import Chain
    from anchorhold.issuing.key import AuthorityKey
    from anchorhold.ledger import Ledger
    from anchorhold.settings import Settings
    from anchorhold.x509.request_keys import SubjectKey

BATCH: Final = 1_000
"""How many certificates share one commit."""


Copied: TypeAlias = Literal["subject", "alt"]
"""What may be copied from a request when asked for: its subject, its alternative names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A certificate that somebody wants.

    Attributes:
        csr: The request (RFC 2986), PEM or DER, or already loaded.
        names: Subject alternative names, as `anchorhold.x509.general_names.parse_alt` reads them.
        subject: Distinguished name as text; by default the profile's, with ``CN=`` and the first DNS name or address.
        profile: Name of the profile; by default the one of the authority, else of the settings.
        expires: End of validity; by default as the profile says, shortened to what the authority allows.
        copy: What to copy from the request beyond the rules of the profile. Nothing is copied in silence.
    """

    csr: bytes | x509.CertificateSigningRequest
    names: Sequence[str] = ()
    subject: str | None = None
    profile: str | None = None
    expires: dt.datetime | None = None
    copy: frozenset[Copied] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that is recorded in the ledger.

    Attributes:
        der: The certificate in DER.
        serial: Its serial number in hex, as the ledger has it.
        not_granted: What the request asked for that the certificate does not contain, in words.
    """

    der: bytes
    serial: str
    not_granted: tuple[str, ...] = ()

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate, parsed."""
        return x509.load_der_x509_certificate(self.der)


class Issuer:
    """An authority that signs. It holds its key from the first certificate until it is closed.

    Args:
        ledger: Where certificates are recorded.
        settings: For the profiles.
        key: Of the authority.
        chain: The authority and those above it.
    """

    def __init__(self, ledger: Ledger, settings: Settings, key: AuthorityKey, chain: Chain) -> None:
        self._ledger = ledger
        self._key = key
        self._drafter = Drafter(settings, chain)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def authority(self) -> Authority:
        """The authority that signs."""
        return self._key.authority

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
        self.authority.check_ready()
        return [issued for batch in _batches(orders) for issued in self._sign_batch(batch)]

    def close(self) -> None:
        """Give the key back."""
        self._key.close()

    def _sign_batch(self, orders: Sequence[Order]) -> list[Issued]:
        checking: Shared[tuple[x509.CertificateSigningRequest, SubjectKey]] = Shared(len(orders))
        requests = checking.run(lambda number: _checked(orders[number]))
        drafts = [self._drafter.draft(order, *checked) for order, checked in zip(orders, requests, strict=True)]
        certificates = issue(self._ledger, self._key, drafts)
        return [
            Issued(der=der, serial=format_serial(draft.serial), not_granted=not_granted(request, draft))
            for der, draft, (request, _) in zip(certificates, drafts, requests, strict=True)
        ]


def _checked(order: Order) -> tuple[x509.CertificateSigningRequest, SubjectKey]:
    request = read_csr(order.csr) if isinstance(order.csr, bytes) else order.csr
    return request, check_csr(request)


def _batches(orders: Iterable[Order]) -> Iterator[list[Order]]:
    batch: list[Order] = []
    for order in orders:
        batch.append(order)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
