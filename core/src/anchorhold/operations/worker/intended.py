"""What a worker may sign, and why it refuses the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.errors import SignatureNotIntendedError
from anchorhold.public_keys import spec_of
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.ledger.records import ResponderRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin.requests import SignRequest
    from anchorhold.public_keys import PublicKey
    from anchorhold.remedy import JsonValue


@dataclass(frozen=True)
class KeyOwner:
    """Whose key is to sign.

    Attributes:
        authority: An authority.
        responder: Its OCSP responder, whose key it is; None if it is the authority's own.
    """

    authority: Authority
    responder: ResponderRecord | None = None

    def __str__(self) -> str:
        return f"{'the OCSP responder of ' if self.responder else ''}{self.authority.name!r}"

    @property
    def public_key_info(self) -> bytes:
        """Its public half, DER SubjectPublicKeyInfo, as the ledger has it."""
        stored = self.authority.record.public_key if self.responder is None else self.responder.public_key
        return stored or b""

    @cached_property
    def public_key(self) -> PublicKey:
        """Its public half."""
        if self.responder is None:
            return self.authority.public_key
        return load_der_public_key(self.public_key_info)  # type: ignore[return-value]  # found by it

    @cached_property
    def algorithm(self) -> Algorithm:
        """What it signs with."""
        return self.authority.algorithm if self.responder is None else spec_of(self.public_key).algorithm()

    @property
    def key_id(self) -> bytes:
        """The id that core drew for it."""
        return self.authority.record.key_id if self.responder is None else self.responder.key_id


@dataclass(frozen=True, slots=True)
class IntendedSignature:
    """A signature that the ledger holds as intended: it may be made now.

    Attributes:
        owner: Whose key signs.
        request: What backend and wrappers see, with the draft of a certificate and the facts of anything else.
        certificate_id: Row number of the certificate; None for other purposes.
    """

    owner: KeyOwner
    request: SignRequest = field(repr=False)
    certificate_id: int | None = None

    @property
    def authority(self) -> Authority:
        """The authority that signs, or whose responder does."""
        return self.owner.authority


def not_intended(
    reason: str, owner: KeyOwner | None, problem: str, hint: str | None = None, remedy: Remedy | None = None
) -> SignatureNotIntendedError:
    """The error for a signature that is refused.

    Args:
        reason: A word that never changes, for the history and for counts.
        owner: Whose key was to sign; None if nobody's here.
        problem: What is wrong.
        hint: What to do; by default to look who has asked for it.
        remedy: The operation that does that.
    """
    whose = "" if owner is None else f" by {owner}"
    if hint is None:
        about: dict[str, JsonValue] = {} if owner is None else {"authority": owner.authority.name}
        hint, remedy = "find out who has asked for it", Remedy("history.entries", about)
    error = SignatureNotIntendedError(f"request of a signature{whose}: {problem}", hint=hint, remedy=remedy)
    error.reason = reason
    return error
