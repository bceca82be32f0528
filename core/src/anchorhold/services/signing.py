"""Signing for other processes: a worker has the keys, and signs what the ledger, which all share, holds as intended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, InputError, RefusedError
from anchorhold.operations.worker.finding import find_intended
from anchorhold.operations.worker.held_signers import HeldSigners
from anchorhold.operations.worker.intended import IntendedSignature
from anchorhold.operations.worker.refusals import Refusal, record_refusals
from anchorhold.operations.worker.signing import sign_intended, worker_key
from anchorhold.plugin.wanted_signature import WantedSignature
from anchorhold.services.context import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.plugin.requests import KeyHandle
    from anchorhold.services.context import GivenSecrets, ServiceContext

__all__ = ["HeldSigners", "IntendedSignature", "SigningService", "WantedSignature"]


class SigningService:
    """What a worker needs that has the keys of authorities which other processes use.

    The actor of the installation is the peer that asks: `anchorhold.installation.Installation.as_actor`. It records
    nothing but what is refused; the process that asks records what it was given.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def find_intended(self, wanted: WantedSignature) -> IntendedSignature:
        """What may be signed, octet by octet as the ledger has it. Sign it at once: it is right as of now.

        Args:
            wanted: From the other process.

        Raises:
            SignatureNotIntendedError: The ledger has nothing of that kind, or something else; its `reason` says what.
                That is recorded, with the peer.
            AuthorityNotReadyError, AuthorityExpiredError, CertificateInvalidError: The authority must not sign now;
                recorded too.
            LedgerError: The database refused.
        """
        (found,) = self.find_all_intended([wanted])
        if isinstance(found, AnchorholdError):
            raise found
        return found

    def find_all_intended(self, wanted: Sequence[WantedSignature]) -> list[IntendedSignature | AnchorholdError]:
        """The same for many, which are looked up together.

        Args:
            wanted: From the other process; keys of several authorities may be among them.

        Returns:
            For each, in order, what may be signed, or the error that `find_intended` would raise.

        Raises:
            LedgerError: The database refused.
        """
        ledger = self._context.ledger
        found = find_intended(ledger, wanted)
        refused = [
            Refusal.of(each, outcome, ledger.authorities.by_public_key(each.public_key_info))
            for each, outcome in zip(wanted, found, strict=True)
            if isinstance(outcome, AnchorholdError)
        ]
        self._record(refused)
        return found

    def sign_intended(
        self,
        intended: Sequence[IntendedSignature],
        alias: str | None = None,
        handle: KeyHandle | None = None,
        secrets: GivenSecrets = None,
        held: HeldSigners | None = None,
    ) -> list[bytes | AnchorholdError]:
        """The signatures, each shown to the wrappers of the alias with what is known of it, and verified.

        Args:
            intended: From `find_intended`, all by one key.
            alias: Where the key is, among ``key_backends`` or, for a responder's, ``ocsp_key_backends``; by default
                where the ledger says.
            handle: Finds the key there; by default the one that the ledger has.
            secrets: For the key of an authority, by name; nobody is asked.
            held: Keeps the signer for the next call; by default it is closed.

        Returns:
            For each, in order, the signature in the form that X.509 has, or why there is none. What a wrapper has
            refused is recorded, with the peer.

        Raises:
            InputError: They are not by one key.
            AnchorholdError: The alias cannot be used; nothing was signed.
        """
        if not intended:
            return []
        owner = intended[0].owner
        if any(each.owner.public_key_info != owner.public_key_info for each in intended):
            raise InputError("signatures: are wanted by several keys", hint="sign those of one key at a time")
        context = self._context
        if owner.responder is None:
            place = alias or owner.authority.record.key_backend
            backend = context.backend(place)
            resolver = context.backends.secrets(place, wrapped(secrets), operation="use", ask=False, flags=False)
        else:
            place = alias or owner.responder.key_backend
            backend, resolver = context.backend(place, "ocsp"), context.backends.ocsp_secrets(place)
        key = worker_key(context.ledger, owner, backend, resolver, handle)
        if held is not None:
            outcomes = sign_intended(key, intended, held)
        else:
            with HeldSigners() as own:
                outcomes = sign_intended(key, intended, own)
        refused = zip(intended, outcomes, strict=True)
        self._record([Refusal.by_wrapper(each) for each, outcome in refused if isinstance(outcome, RefusedError)])
        return outcomes

    def record_refusal(self, purpose: str, reason: str, digest: bytes | None = None) -> None:
        """Record that a request was refused before it was looked up: not from a known peer, or too late.

        Args:
            purpose: What for; the peer's own words are not taken.
            reason: Why, in a word that never changes, such as ``too-late``.
            digest: SHA-256 of what was to be signed, if that is known.

        Raises:
            LedgerError: The database refused.
        """
        self._record([Refusal(purpose=purpose, reason=reason, digest=None if digest is None else digest.hex())])

    def _record(self, refusals: Sequence[Refusal]) -> None:
        if refusals:
            record_refusals(self._context.ledger, self._context.audit.actor, refusals)
