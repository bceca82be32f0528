"""What is ordered of an authority, and the certificate that is issued for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.pem import pem_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from cryptography import x509

    from anchorhold.errors import AnchorholdError
    from anchorhold.x509.csr import CertificationRequest, CheckedRequest

Copied: TypeAlias = Literal["subject", "alt"]
"""What may be copied from a request when asked for: its subject, its alternative names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A certificate to be issued.

    Attributes:
        csr: The request (RFC 2986), PEM or DER, or already loaded (`anchorhold.x509.csr.load_csr`), or checked by
            `anchorhold.x509.csr.check_request`.
        names: Subject alternative names, as `anchorhold.x509.general_names.parse_alt` reads them.
        subject: Distinguished name as text; by default the profile's, with ``CN=`` and the first DNS name or mailbox.
        profile: Name of the profile; by default the one of the authority, else of the settings.
        expires: End of validity; by default as the profile says, shortened to what the authority allows.
        copy: What to copy from the request beyond the rules of the profile. Nothing is copied in silence.
    """

    csr: bytes | x509.CertificateSigningRequest | CertificationRequest | CheckedRequest
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
        not_after: End of its validity, UTC.
        not_granted: What the request asked for that the certificate does not contain, in words.
    """

    der: bytes
    serial: str
    not_after: dt.datetime
    not_granted: tuple[str, ...] = ()

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate, parsed."""
        return load_lenient(self.der)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, with the certificate in PEM (RFC 7468)."""
        return {
            "serial": self.serial,
            "not_after": self.not_after.isoformat(),
            "not_granted": list(self.not_granted),
            "certificate": pem_of(self.der),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no certificate for one order of a batch.

    Attributes:
        order: The order.
        error: What is wrong with it: from its request, the profile, the authority or a wrapper.
    """

    order: Order
    error: AnchorholdError
