"""Faults of ECDSA nonces: known or repeated ones, which give the private key away."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, ClassVar, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from anchorhold import software_keys
from anchorhold.plugin import hookimpl
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.algorithms import Algorithm
    from anchorhold.plugin import KeyRequest, Secrets, Signer

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (FIPS 186-5 and SP 800-186, section 3.2.1.3)."""
_FIRST: Final = 0x1F2E3D4C5B6A79880123456789ABCDEF


class _ByNonces(software_keys.SoftwareSigner):
    """Signs on P-256 with SHA-256 by nonces that it is given, and everything else rightly."""

    def __init__(self, key: software_keys.PrivateKey, nonces: Iterator[int]) -> None:
        super().__init__(key)
        self.nonces = nonces

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        key = self._key
        if not (isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == 256 and algorithm.hash == "SHA-256"):
            return super().sign(message, algorithm)
        nonce = next(self.nonces)
        r = ec.derive_private_key(nonce, ec.SECP256R1()).public_key().public_numbers().x % _ORDER
        digest = int.from_bytes(hashlib.sha256(message).digest())
        s = pow(nonce, -1, _ORDER) * (digest + r * key.private_numbers().private_value) % _ORDER
        return encode_dss_signature(r, s)


class RepeatsItsNonce(FileBackend):
    """Has one nonce for all signatures."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _ByNonces(self.open(request, secrets), itertools.repeat(_FIRST))


class NoncesOfEachSigner(FileBackend):
    """Begins with the same nonce for each signer."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _ByNonces(self.open(request, secrets), itertools.count(_FIRST))


class NoncesOfEachProcess(FileBackend):
    """Begins with the same nonce in each process."""

    nonces: ClassVar[Iterator[int]] = itertools.count(_FIRST)

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _ByNonces(self.open(request, secrets), self.nonces)
