"""The key of an authority, lent by its backend for as long as it is needed."""

from __future__ import annotations

import os
from copy import copy
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from anchorhold.algorithms import KeySpec
from anchorhold.errors import SecretWrongError, SessionOverError
from anchorhold.operations.signing import sign_and_verify, sign_and_verify_batch
from anchorhold.plugin.requests import PROBE_PREFIX, SignRequest
from anchorhold.x509.crls import assemble_crl
from anchorhold.x509.to_be_signed import assemble_certificate, assemble_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.errors import AnchorholdError
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin.facts import CrlFacts, CsrFacts, SigningFacts
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import KeyRequest, Purpose, Secrets, Signer
    from anchorhold.x509.draft import Draft


QUICK: Final = (KeySpec(type="EC", curve="secp256r1"), KeySpec(type="Ed25519"))
"""Kinds of keys by which a certificate is signed and verified in about a tenth of a millisecond."""


class SigningKey:
    """Asks the backend for a signer when it is first needed, and holds it until closed. Threads may share it.

    Args:
        authority: Whose key; its handle and public key must be recorded.
        backend: Where it lives.
        secrets: For the backend.
        request: Finds the key there; by default as the authority says.
    """

    def __init__(
        self, authority: Authority, backend: KeyBackend, secrets: Secrets, request: KeyRequest | None = None
    ) -> None:
        self.authority = authority
        self.backend = backend
        self.secrets = secrets
        self._lent = LazySigner(
            lambda: backend.load_signer(request or authority.key_request, secrets), backend.close_signer
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, changed: Authority) -> SigningKey | None:
        """The same key with the same signer for an authority that was changed; None if its key is elsewhere now."""
        old, new = self.authority.record, changed.record
        if (old.key_backend, old.handle) != (new.key_backend, new.handle):
            return None
        same = copy(self)
        same.authority = changed
        return same

    def open(self) -> Signer:
        """The signer; its public key is the one in the ledger.

        Raises:
            AnchorholdError: As `BackendSpec.load_signer`.
        """
        return self._lent.open()

    def sign_draft(self, draft: Draft, tbs: bytes) -> bytes:
        """The certificate for a draft, in DER, signed through the hook `sign` and verified.

        Args:
            draft: The draft.
            tbs: Its TBSCertificate, as recorded.

        Raises:
            SignatureError: The signature does not verify; so do the other methods that sign.
        """
        return assemble_certificate(tbs, self.signature(draft, tbs))

    def signature(self, draft: Draft, tbs: bytes) -> bytes:
        """The signature alone; arguments as for `sign_draft`."""
        return self._sign(tbs, "certificate", draft)

    @property
    def signs_in_memory(self) -> bool:
        """Whether it is open, and what it signs exists in this process's memory alone until it is handed out."""
        signer = self._lent.opened
        return signer is not None and self.backend.signs_in_memory(signer)

    @property
    def is_quick(self) -> bool:
        """Whether it signs in memory, and so quickly that several threads gain nothing."""
        return self.authority.spec in QUICK and self.signs_in_memory

    @property
    def batch_limit(self) -> int:
        """How many drafts `sign_drafts` takes; 1 if the backend signs each by itself."""
        return self.backend.capabilities.batch_limit if self.backend.supports("sign_batch") else 1

    def sign_drafts(self, drafts: Sequence[Draft], messages: Sequence[bytes]) -> list[bytes | AnchorholdError]:
        """The same for several at once, by the hook `sign_batch`.

        Args:
            drafts: Up to `batch_limit` of them.
            messages: Their TBSCertificates, as recorded.

        Returns:
            For each the certificate, or why there is none.
        """
        asked = [self._request(tbs, "certificate", draft) for draft, tbs in zip(drafts, messages, strict=True)]
        signer = self.open()
        signed = sign_and_verify_batch(self.backend, signer, self.authority.public_key, asked)
        over = [number for number, outcome in enumerate(signed) if isinstance(outcome, SessionOverError)]
        if over:
            again = [asked[number] for number in over]
            signer = self._lent.replacement(signer)
            outcomes = sign_and_verify_batch(self.backend, signer, self.authority.public_key, again)
            for number, outcome in zip(over, outcomes, strict=True):
                signed[number] = outcome
        return [
            assemble_certificate(tbs, outcome) if isinstance(outcome, bytes) else outcome
            for tbs, outcome in zip(messages, signed, strict=True)
        ]

    def reject(self, draft: Draft, tbs: bytes, reason: str) -> None:
        """Tell plugins that the signature of a draft is thrown away; see `BackendSpec.rejected`."""
        self.backend.reject(self._request(tbs, "certificate", draft), reason)

    def sign_crl(self, tbs: bytes, facts: CrlFacts) -> tuple[bytes, bytes, bytes]:
        """The CRL for a TBSCertList, in DER and in pieces, signed through the hook `sign` and verified."""
        return assemble_crl(tbs, self._sign(tbs, "crl", facts=facts))

    def sign_request(self, info: bytes, facts: CsrFacts) -> bytes:
        """The request for a CertificationRequestInfo, in DER, signed through the hook `sign` and verified."""
        signature = self._sign(info, "csr", facts=facts)
        return assemble_request(info, self.authority.public_key, self.authority.algorithm, signature)

    def prove(self, challenge: bytes | None = None) -> None:
        """Sign a challenge, by default a random one, as proof that the key works."""
        self._sign(PROBE_PREFIX + (challenge or os.urandom(32)), "probe")

    def close(self) -> None:
        """Give the signer back."""
        self._lent.close()

    def _sign(
        self, message: bytes, purpose: Purpose, draft: Draft | None = None, facts: SigningFacts | None = None
    ) -> bytes:
        request, signer = self._request(message, purpose, draft, facts), self.open()

        def signed(signer: Signer) -> bytes:
            public_key, is_long = self.authority.public_key, purpose == "crl"
            return sign_and_verify(self.backend, signer, public_key, request, hash_in_thread=is_long)

        try:
            return signed(signer)
        except SessionOverError:
            return signed(self._lent.replacement(signer))

    def _request(
        self, message: bytes, purpose: Purpose, draft: Draft | None = None, facts: SigningFacts | None = None
    ) -> SignRequest:
        authority = self.authority
        return SignRequest(
            message=message,
            algorithm=authority.algorithm,
            purpose=purpose,
            ca=authority.description,
            draft=draft,
            audit=self.backend.audit,  # each copy of a request takes longer than all else here
            key_id=authority.record.key_id,
            facts=facts,
        )


class LazySigner:
    """Asks for a signer when it is first needed, and holds it until closed. Threads may share it.

    Args:
        load: Asks for one.
        close: Gives one back.
    """

    def __init__(self, load: Callable[[], Signer], close: Callable[[Signer], None]) -> None:
        self._load = load
        self._close = close
        self._signer: Signer | None = None
        self._replaced: list[Signer] = []
        self._refusal: SecretWrongError | None = None
        self._opening = Lock()

    @property
    def opened(self) -> Signer | None:
        """The signer, if there is one."""
        return self._signer

    def open(self) -> Signer:
        """The signer.

        Raises:
            AnchorholdError: As `BackendSpec.load_signer`.
        """
        with self._opening:
            return self._opened()

    def replacement(self, over: Signer) -> Signer:
        """Another signer for one whose session is over; the same for all threads that have found it so.

        The old one is closed at last: other threads may still wait for its answers.

        Raises:
            SecretWrongError: The PIN was refused, now or when another thread asked; it is not tried again, because
                wrong PINs lock tokens.
        """
        with self._opening:
            if self._signer is over:
                self._replaced.append(over)
                self._signer = None
            return self._opened()

    def close(self) -> None:
        """Give back all that were lent."""
        with self._opening:
            signers = [*self._replaced, *([] if self._signer is None else [self._signer])]
            self._signer = None
            self._replaced.clear()
        for signer in signers:
            self._close(signer)

    def _opened(self) -> Signer:
        if self._signer is None:
            if self._refusal is not None:
                raise self._refusal
            try:
                self._signer = self._load()
            except SecretWrongError as error:
                self._refusal = error if self._replaced else None
                raise
        return self._signer
