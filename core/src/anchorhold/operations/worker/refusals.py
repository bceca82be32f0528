"""What a worker has refused is in the history, with the peer that asked, and is counted.

A peer that asks again and again does not fill the ledger: of each kind of refusal the first of an hour are in the
history, and all are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Self

from anchorhold.errors import RefusedError, SignatureNotIntendedError
from anchorhold.operations.worker.finding import OF_AUTHORITIES, OF_RESPONDERS
from anchorhold.plugin.facts import CrlFacts
from anchorhold.x509.serials import format_serial, is_formatted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.audit import Actor
    from anchorhold.errors import AnchorholdError
    from anchorhold.ledger import AuthorityRecord, Ledger
    from anchorhold.operations.worker.intended import IntendedSignature
    from anchorhold.plugin.wanted_signature import WantedSignature

RECORDED: Final = 20
"""Refusals of one kind in an hour that are in the history."""
_PURPOSES: Final = (*OF_AUTHORITIES, *OF_RESPONDERS)
_UNKNOWN: Final = "unknown"
_DIGEST: Final = 32
"""Octets of a SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A signature that was refused.

    Attributes:
        purpose: What it was wanted for.
        reason: Why, in a word that never changes: of a `SignatureNotIntendedError` its reason, of others their code.
        authority: Of the key; None if nobody here has it.
        digest: SHA-256 of what was to be signed, in hex; None where it is not known.
        about: ``serial`` of a certificate or ``number`` of a CRL.
    """

    purpose: str
    reason: str
    authority: AuthorityRecord | None = None
    digest: str | None = None
    about: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, wanted: WantedSignature, error: AnchorholdError, authority: AuthorityRecord | None) -> Self:
        """That of a signature that was wanted."""
        return cls(
            purpose=wanted.purpose if wanted.purpose in _PURPOSES else _UNKNOWN,
            reason=error.reason if isinstance(error, SignatureNotIntendedError) else error.code,
            authority=authority,
            digest=wanted.digest.hex() if len(wanted.digest) == _DIGEST else None,
            about=_about(wanted.serial, wanted.number),
        )

    @classmethod
    def by_wrapper(cls, intended: IntendedSignature) -> Self:
        """That of an intended signature, by a wrapper of the worker."""
        request = intended.request
        return cls(
            purpose=request.purpose,
            reason=RefusedError.code,
            authority=intended.authority.record,
            digest=sha256(request.message).hexdigest(),
            about=_about(
                None if request.draft is None else format_serial(request.draft.serial),
                request.facts.number if isinstance(request.facts, CrlFacts) else None,
            ),
        )


def _about(serial: str | None, number: int | None) -> tuple[tuple[str, Any], ...]:
    """What it is about; words that come from outside are left out if they are no serial number."""
    named = (("serial", serial if serial and is_formatted(serial) else None), ("number", number))
    return tuple((name, value) for name, value in named if value is not None)


def record_refusals(ledger: Ledger, peer: Actor, refusals: Sequence[Refusal]) -> None:
    """Count refusals, and record them as events ``signature-refused`` of the actor of the ledger, in one commit.

    Args:
        ledger: Where; its actor is the peer.
        peer: The same, who has asked.
        refusals: What was refused.

    Raises:
        LedgerError: The database refused.
    """
    with ledger.transaction():
        for refusal in refusals:
            count = ledger.workers.count_refusal(f"{peer.kind} {peer.name}", refusal.purpose, refusal.reason)
            if count <= RECORDED:
                detail = {"purpose": refusal.purpose, "reason": refusal.reason, **dict(refusal.about)}
                if refusal.digest is not None:
                    detail["sha256"] = refusal.digest
                if count == RECORDED:
                    detail["more"] = "counted only, for this hour"
                ledger.events.append("signature-refused", refusal.authority or "", **detail)
