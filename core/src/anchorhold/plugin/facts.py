"""What a signature is about: known before it is made, so that nobody has to parse what is signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import datetime as dt

    from cryptography import x509


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlFacts:
    """A certificate revocation list.

    Attributes:
        number: Its CRL number (RFC 5280, section 5.2.3).
        shard: Which shard; None for the list of all certificates.
        this_update: When it begins, UTC.
        next_update: Until when it is good, UTC.
    """

    number: int
    shard: int | None
    this_update: dt.datetime
    next_update: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspFacts:
    """An OCSP response.

    Attributes:
        serial: Serial number of the certificate that was asked about.
        status: ``good``, ``revoked`` or ``unknown`` (RFC 6960, section 2.2).
    """

    serial: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrFacts:
    """A request for the certificate of an authority.

    Attributes:
        subject: Distinguished name that is asked for.
    """

    subject: x509.Name


SigningFacts: TypeAlias = "CrlFacts | OcspFacts | CsrFacts"
"""By the purpose of a signature; a certificate has its draft, and a probe is about nothing."""
