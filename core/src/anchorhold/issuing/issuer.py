"""Signing requests with an authority: from an order, through the profile, to a recorded certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

from cryptography import x509

from anchorhold.errors import ProfileRefusedError
from anchorhold.issuing.issuance import issue
from anchorhold.publickeys import spki
from anchorhold.seam.requests import Draft
from anchorhold.x509.csr import alt_names_of, check_csr, load_csr, not_granted
from anchorhold.x509.drafts import key_identifiers
from anchorhold.x509.general_names import parse_alt
from anchorhold.x509.names import parse_subject
from anchorhold.x509.profiles import find_profile, purpose_extensions, url_extensions
from anchorhold.x509.serials import format_serial, new_serial
from anchorhold.x509.validity import end_of_validity, now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.chain import Chain
    from anchorhold.issuing.key import AuthorityKey
    from anchorhold.ledger import Ledger
    from anchorhold.publickeys import PublicKey
    from anchorhold.settings import Settings

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
        subject: Distinguished name as text; by default ``CN=`` and the first DNS name or address.
        profile: Name of the profile; by default the one of the settings.
        expires: End of validity; by default as the profile says, shortened to the authority's own.
        copy: What to copy from the request. Nothing is copied in silence.
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
        self._settings = settings
        self._key = key
        self._chain = chain

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
        requests = [self._request(order) for order in orders]
        drafts = [self._draft(order, request) for order, request in zip(orders, requests, strict=True)]
        certificates = issue(self._ledger, self._key, drafts)
        return [
            Issued(der=der, serial=format_serial(draft.serial), not_granted=not_granted(request, draft))
            for der, draft, request in zip(certificates, drafts, requests, strict=True)
        ]

    @staticmethod
    def _request(order: Order) -> x509.CertificateSigningRequest:
        if isinstance(order.csr, bytes):
            return load_csr(order.csr)
        check_csr(order.csr)
        return order.csr

    def _draft(self, order: Order, request: x509.CertificateSigningRequest) -> Draft:
        name = order.profile or self._settings.default_profile
        profile = find_profile(name, self._settings.profiles)
        names = _names(order, request)
        if profile.names_required and not names:
            raise ProfileRefusedError(
                f"profile {name!r}: needs at least one alternative name", hint=_names_hint(alt_names_of(request))
            )
        if profile.ca:
            self._chain.check_path_length(profile.path_length)
        subject = _subject(order, request, names)
        _check_named(subject, names, ca=profile.ca)
        key: PublicKey = request.public_key()  # type: ignore[assignment]  # its type was checked with the request
        self._check_not_own(key)
        authority = self.authority
        self._chain.check_names(subject, names)
        certificate = authority.certificate
        start = now()
        return Draft(
            issuer=certificate.subject,
            subject=subject,
            serial=new_serial(),
            not_before=start,
            not_after=end_of_validity(
                start,
                wanted=order.expires,
                days=profile.days,
                limit=certificate.not_valid_after_utc,
                issuer=authority.name,
            ),
            public_key=key,
            extensions=(
                *purpose_extensions(profile, key, subject, names),
                *key_identifiers(key, certificate),
                *(url_extensions(authority.record.issuing) if profile.revocation_urls else ()),
            ),
            profile=name,
        )

    def _check_not_own(self, key: PublicKey) -> None:
        if spki(key) == self.authority.record.public_key:
            raise ProfileRefusedError(
                f"CSR: holds the key of the authority {self.authority.name!r} itself", hint="use a key of its own"
            )


def _batches(orders: Iterable[Order]) -> Iterator[list[Order]]:
    batch: list[Order] = []
    for order in orders:
        batch.append(order)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _names(order: Order, request: x509.CertificateSigningRequest) -> tuple[x509.GeneralName, ...]:
    given = [parse_alt(text) for text in order.names]
    copied = alt_names_of(request) if "alt" in order.copy else ()
    return tuple(dict.fromkeys([*given, *copied]))


def _names_hint(requested: Sequence[x509.GeneralName]) -> str:
    return "give --alt, or take those of the CSR with --copy alt" if requested else "give --alt"


def _subject(order: Order, request: x509.CertificateSigningRequest, names: Sequence[x509.GeneralName]) -> x509.Name:
    if order.subject is not None:
        return parse_subject(order.subject)
    if "subject" in order.copy:
        return request.subject
    first = next((name for name in names if isinstance(name, x509.DNSName | x509.IPAddress | x509.RFC822Name)), None)
    if first is None or len(str(first.value)) > 64:  # ub-common-name, RFC 5280 appendix A
        return x509.Name([])
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, str(first.value))])


def _check_named(subject: x509.Name, names: Sequence[x509.GeneralName], *, ca: bool) -> None:
    """Refuse a certificate of nobody, and an authority without a name of its own (RFC 5280, section 4.1.2.6)."""
    if subject.rdns or (names and not ca):
        return
    raise ProfileRefusedError(
        f"certificate: would have no subject{'' if ca else ' and no alternative name'}",
        hint="give --subject, or take that of the CSR with --copy subject",
    )
