"""What an authority puts into everything it signs, as its row has it."""

from __future__ import annotations

from dataclasses import dataclass

OCSP_UNKNOWN = ("unknown", "revoked", "unauthorized")
"""What OCSP can say of serial numbers that were not issued (RFC 6960, section 2.2; RFC 5019, section 2.2.3)."""
SHARD = "{shard}"
"""Stands in URLs for the number of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuancePolicy:
    """What an authority puts into everything it signs.

    Attributes:
        hostname: Of the server that publishes for it; its URLs are added to those below.
        crl_urls: Of its CRL, for CRL distribution points (RFC 5280, section 4.2.1.13).
        ocsp_urls: Of its OCSP responder, for authority information access (section 4.2.2.1).
        crl_shards: Into how many lists its certificates are divided beside the one of all; ``{shard}`` in `crl_urls`
            is the number of the list. None for the one of all only.
        issuer_urls: Of its own certificate, for authority information access.
        issuer_alt: Alternative names of its own (issuerAltName, section 4.2.1.7), as text.
        policies: Certificate policies of what it signs by profiles that name none, dotted.
        profile: Name of the profile it signs by unless told otherwise; None for the one of the settings.
        max_days: The longest validity of what it signs; None for as long as its own.
        ocsp_key_backend: Alias of the backend in which the keys of its OCSP responders live.
        ocsp_unknown: What OCSP says of serial numbers that it has not issued, one of `OCSP_UNKNOWN`.
        hash: The hash it signs with; None for the one of its key's own strength.
        rsa_padding: ``pss`` or ``pkcs1v15``, for RSA keys only; None for the latter.
        above: Certificates of the authorities above it that are not in the ledger, its issuer first; DER in base64.
    """

    hostname: str | None = None
    crl_urls: tuple[str, ...] = ()
    crl_shards: int | None = None
    ocsp_urls: tuple[str, ...] = ()
    issuer_urls: tuple[str, ...] = ()
    issuer_alt: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    profile: str | None = None
    max_days: int | None = None
    ocsp_key_backend: str = "default"
    ocsp_unknown: str = OCSP_UNKNOWN[0]
    hash: str | None = None
    rsa_padding: str | None = None
    above: tuple[str, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """All of them."""
        return self.crl_urls_of(0) + self.ocsp_urls + self.issuer_urls

    def shard_of(self, serial: int) -> int | None:
        """The list that a certificate with that serial number is on, beside the one of all."""
        return serial % self.crl_shards if self.crl_shards else None

    def crl_urls_of(self, shard: int | None) -> tuple[str, ...]:
        """Where that list is."""
        return tuple(url.replace(SHARD, str(shard)) for url in self.crl_urls)
