"""The key of an authority, lent by its backend for as long as it is needed."""

from __future__ import annotations

import os
from copy import copy
from threading import Lock
from typing import TYPE_CHECKING, Self

from anchorhold.operations.signing import sign_and_verify
from anchorhold.plugin.requests import SignRequest
from anchorhold.x509.crls import assemble_crl
from anchorhold.x509.tbs import assemble_certificate
from anchorhold.x509.to_be_signed import assemble_request

if TYPE_CHECKING:
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import Purpose, Secrets, Signer
    from anchorhold.x509.draft import Draft


class SigningKey:
    """Asks the backend for a signer when it is first needed, and holds it until closed. Threads may share it.

    Args:
        authority: Whose key; its handle and public key must be recorded.
        backend: Where it lives.
        secrets: For the backend.
    """

    def __init__(self, authority: Authority, backend: KeyBackend, secrets: Secrets) -> None:
        self.authority = authority
        self.backend = backend
        self._lent = _LazySigner(backend, authority, secrets)

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
        return assemble_certificate(tbs, self._sign(tbs, "certificate", draft))

    def sign_crl(self, tbs: bytes) -> tuple[bytes, bytes, bytes]:
        """The CRL for a TBSCertList, in DER and in pieces, signed through the hook `sign` and verified."""
        return assemble_crl(tbs, self._sign(tbs, "crl"))

    def sign_request(self, info: bytes) -> bytes:
        """The request for a CertificationRequestInfo, in DER, signed through the hook `sign` and verified."""
        return assemble_request(info, self.authority.public_key, self.authority.algorithm, self._sign(info, "csr"))

    def prove(self, challenge: bytes | None = None) -> None:
        """Sign a challenge, by default a random one, as proof that the key works."""
        self._sign(challenge or os.urandom(32), "probe")

    def close(self) -> None:
        """Give the signer back."""
        self._lent.close()

    def _sign(self, message: bytes, purpose: Purpose, draft: Draft | None = None) -> bytes:
        authority = self.authority
        request = SignRequest(
            message=message, algorithm=authority.algorithm, purpose=purpose, ca=authority.description, draft=draft
        )
        return sign_and_verify(
            self.backend, self.open(), authority.public_key, request, hash_in_thread=purpose == "crl"
        )


class _LazySigner:
    """A signer that is asked for once."""

    def __init__(self, backend: KeyBackend, authority: Authority, secrets: Secrets) -> None:
        self._backend = backend
        self._authority = authority
        self._secrets = secrets
        self._signer: Signer | None = None
        self._opening = Lock()

    def open(self) -> Signer:
        with self._opening:
            if self._signer is None:
                self._signer = self._backend.load_signer(self._authority.key_request, self._secrets)
            return self._signer

    def close(self) -> None:
        with self._opening:
            signer, self._signer = self._signer, None
        if signer is not None:
            self._backend.close_signer(signer)
