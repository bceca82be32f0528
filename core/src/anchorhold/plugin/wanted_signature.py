"""What a process without the key asks a process with it to sign: values that travel, none of them secret."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self

from anchorhold.plugin.facts import CrlFacts
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.plugin.requests import Purpose, SignRequest

_TRAVELLING: Final = ("csr", "ocsp", "probe")
"""Purposes whose octets travel: they are short, and the ledger does not have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSignature:
    """One signature that is wanted from another process. The ledger, which both read, says whether it is intended.

    Attributes:
        purpose: What for.
        public_key_info: Of the key that is to sign, DER SubjectPublicKeyInfo: an authority's or a responder's.
        algorithm: How.
        digest: SHA-256 of the octets that are to be signed.
        serial: Serial number of the certificate, in hex as the ledger has it; None for other purposes.
        number: Number of the CRL (RFC 5280, section 5.2.3); None for other purposes.
        message: The octets themselves for a CSR, an OCSP response or a probe; None for what is in the ledger.
    """

    purpose: Purpose
    public_key_info: bytes
    algorithm: Algorithm
    digest: bytes
    serial: str | None = None
    number: int | None = None
    message: bytes | None = None

    @classmethod
    def of(cls, request: SignRequest, public_key_info: bytes) -> Self:
        """What to send for a request that a signer was given.

        Args:
            request: From core.
            public_key_info: Of the signer's key, which is not that of ``request.ca`` if it is an OCSP responder's.
        """
        return cls(
            purpose=request.purpose,
            public_key_info=public_key_info,
            algorithm=request.algorithm,
            digest=sha256(request.message).digest(),
            serial=None if request.draft is None else format_serial(request.draft.serial),
            number=request.facts.number if isinstance(request.facts, CrlFacts) else None,
            message=request.message if request.purpose in _TRAVELLING else None,
        )
