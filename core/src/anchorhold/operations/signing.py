"""Signing through the hook `sign` and verifying the result: the one place where signatures are made and checked."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import cryptography.hazmat.backends.openssl.backend  # noqa: F401  # see below

from anchorhold.errors import SignatureError
from anchorhold.public_keys import digest_of, is_signed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.algorithms import Algorithm
    from anchorhold.errors import AnchorholdError
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import Signer, SignRequest
    from anchorhold.public_keys import PublicKey

# ECDSA imports the backend of cryptography with the first signature. If several threads wait there for its import and
# one is interrupted, all of them can hang for ever (CPython's locks of modules); so it is imported before any of them.


def sign_and_verify(
    backend: KeyBackend,
    signer: Signer,
    public_key: PublicKey,
    request: SignRequest,
    *,
    hash_in_thread: bool = False,
    is_due: Callable[[], bool] | None = None,
) -> bytes:
    """Sign a message and verify the signature before anything is done with it.

    Args:
        backend: The backend that lent the signer.
        signer: The signer.
        public_key: The public key of the signer, as the ledger has it.
        request: What is signed, how and what for.
        hash_in_thread: Whether to hash the message for the verification while the key signs it. For long messages only:
            a CRL with a million entries takes as long to hash as to sign.
        is_due: Asked once the signature is there; False leaves the verification out. None verifies always.

    Returns:
        The signature, in the form X.509 has it.

    Raises:
        SignatureError: The signature does not verify.
        AnchorholdError: As `KeyBackend.sign`.
    """
    message, algorithm = request.message, request.algorithm
    digest = _begin_to_hash(message, algorithm) if hash_in_thread else None
    signature = backend.sign(request, signer)
    if is_due is not None and not is_due():
        return signature
    if not is_signed_by(public_key, signature, message, algorithm, None if digest is None else digest()):
        raise _not_verified(backend, public_key, request)
    return signature


def sign_and_verify_batch(
    backend: KeyBackend, signer: Signer, public_key: PublicKey, requests: Sequence[SignRequest]
) -> list[bytes | AnchorholdError]:
    """The same for many messages by one call of the backend; see `sign_and_verify`.

    Returns:
        For each request its signature, which verifies, or why there is none.
    """

    def verified(request: SignRequest, outcome: bytes | AnchorholdError) -> bytes | AnchorholdError:
        if isinstance(outcome, bytes) and not is_signed_by(public_key, outcome, request.message, request.algorithm):
            return _not_verified(backend, public_key, request)
        return outcome

    return [verified(*each) for each in zip(requests, backend.sign_batch(requests, signer), strict=True)]


def _not_verified(backend: KeyBackend, public_key: PublicKey, request: SignRequest) -> SignatureError:
    """The error for a signature that does not verify, which plugins are told of."""
    message, algorithm = request.message, request.algorithm
    owner = backend.author_of_signature(lambda found: is_signed_by(public_key, found, message, algorithm))
    error = SignatureError(
        f"{owner}: returned a signature that does not verify",
        hint=f"nothing was recorded as issued; report this to the author of the {owner.kind.removeprefix('key ')}",
    )
    backend.reject(request, error.problem)
    return error


def _begin_to_hash(message: bytes, algorithm: Algorithm) -> Callable[[], bytes | None]:
    """Hash a message in a thread; the function that is returned waits for the digest."""
    found: list[bytes | None] = []
    thread = Thread(target=lambda: found.append(digest_of(message, algorithm)))
    thread.start()

    def digest() -> bytes | None:
        thread.join()
        return found[0] if found else None  # None verifies over the whole message

    return digest
