"""Private keys in this process's memory: for backends that store key material rather than use a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

from anchorhold.public_keys import CURVES, HASHES, PublicKey, pss

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm, KeySpec

PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)

_GENERATORS: Final[dict[str, Callable[[KeySpec], PrivateKey]]] = {
    "EC": lambda spec: ec.generate_private_key(CURVES[spec.curve or ""]),
    "RSA": lambda spec: rsa.generate_private_key(public_exponent=65537, key_size=spec.size or 0),
    "Ed25519": lambda spec: ed25519.Ed25519PrivateKey.generate(),
    "Ed448": lambda spec: ed448.Ed448PrivateKey.generate(),
    "ML-DSA-44": lambda spec: mldsa.MLDSA44PrivateKey.generate(),
    "ML-DSA-65": lambda spec: mldsa.MLDSA65PrivateKey.generate(),
    "ML-DSA-87": lambda spec: mldsa.MLDSA87PrivateKey.generate(),
}

_SIGNERS: Final[dict[str, Callable[..., bytes]]] = {
    "ecdsa": lambda key, message, digest: key.sign(message, ec.ECDSA(digest)),
    "rsa-pkcs1v15": lambda key, message, digest: key.sign(message, padding.PKCS1v15(), digest),
    "rsa-pss": lambda key, message, digest: key.sign(message, pss(digest), digest),
    **dict.fromkeys(
        ("ed25519", "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"), lambda key, message, _: key.sign(message)
    ),
}


def generate(spec: KeySpec) -> PrivateKey:
    """Make a new private key of that kind."""
    return _GENERATORS[spec.type](spec)


class SoftwareSigner:
    """A `Signer` (see `anchorhold.plugin`) for a private key in memory."""

    def __init__(self, key: PrivateKey) -> None:
        self._key: PrivateKey | None = key
        self.public_key: PublicKey = key.public_key()

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over the message, in the form X.509 has it."""
        digest = HASHES[algorithm.hash] if algorithm.hash is not None else None
        return _SIGNERS[algorithm.scheme](self._key, message, digest)

    def close(self) -> None:
        """Forget the private key."""
        self._key = None
