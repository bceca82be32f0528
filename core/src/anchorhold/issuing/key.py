"""The key of an authority, lent by its backend for as long as it is needed."""

from __future__ import annotations

import os
from copy import copy
from threading import Lock
from typing import TYPE_CHECKING, Self

from anchorhold.errors import SignatureError
from anchorhold.publickeys import is_signed_by
from anchorhold.seam.requests import Draft, SignRequest
from anchorhold.x509.crls import sign_crl
from anchorhold.x509.drafts import sign_tbs

if TYPE_CHECKING:
    from anchorhold.issuing.authority import Authority
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.requests import Purpose, Secrets, Signer


class AuthorityKey:
    """Asks the backend for a signer when it is first needed, and holds it until closed. Threads may share it.

    Args:
        authority: Whose key; its handle and public key must be recorded.
        backend: Where it lives.
        secrets: For the backend.
    """

    def __init__(self, authority: Authority, backend: KeyBackend, secrets: Secrets) -> None:
        self.authority = authority
        self.backend = backend
        self._lent = _Lent(backend, authority, secrets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, changed: Authority) -> AuthorityKey | None:
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
        """The certificate for a draft, in DER, signed through the hook `sign` and verified."""
        return sign_tbs(
            tbs,
            self.authority.public_key,
            self.authority.algorithm,
            lambda message: self._sign(message, "certificate", draft),
            self.backend.owner,
        )

    def sign_crl(self, tbs: bytes) -> tuple[bytes, bytes, bytes]:
        """The CRL for a TBSCertList, in DER and in pieces, signed through the hook `sign` and verified."""
        return sign_crl(
            tbs,
            self.authority.public_key,
            self.authority.algorithm,
            lambda message: self._sign(message, "crl"),
            self.backend.owner,
        )

    def sign_request(self, message: bytes) -> bytes:
        """The signature over the CertificationRequestInfo of its own request; not verified yet."""
        return self._sign(message, "csr")

    def prove(self, challenge: bytes | None = None) -> None:
        """Sign a challenge, by default a random one, as proof that the key works.

        Raises:
            SignatureError: The signature does not verify.
        """
        message = challenge or os.urandom(32)
        signature = self._sign(message, "probe")
        if not is_signed_by(self.authority.public_key, signature, message, self.authority.algorithm):
            raise SignatureError(
                f"{self.backend.owner}: returned a signature that does not verify",
                hint="tell the author of the backend",
            )

    def close(self) -> None:
        """Give the signer back."""
        self._lent.close()

    def _sign(self, message: bytes, purpose: Purpose, draft: Draft | None = None) -> bytes:
        authority = self.authority
        request = SignRequest(
            message=message, algorithm=authority.algorithm, purpose=purpose, ca=authority.described, draft=draft
        )
        return self.backend.sign(request, self.open())


class _Lent:
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
        if self._signer is not None:
            signer, self._signer = self._signer, None
            signer.close()
