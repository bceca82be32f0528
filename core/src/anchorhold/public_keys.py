"""Public keys: what kind they are, whether they are fit to be certified, and verifying with them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anchorhold.algorithms import RSA_SIZES, Algorithm, KeySpec
from anchorhold.errors import KeyUnsupportedError, WeakKeyError

if TYPE_CHECKING:
    from collections.abc import Callable

PublicKey: TypeAlias = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
"""A public key of a type that anchorhold certifies, as ``cryptography`` has it."""

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "SHA-224": hashes.SHA224(),
    "SHA-256": hashes.SHA256(),
    "SHA-384": hashes.SHA384(),
    "SHA-512": hashes.SHA512(),
    "SHA3-224": hashes.SHA3_224(),
    "SHA3-256": hashes.SHA3_256(),
    "SHA3-384": hashes.SHA3_384(),
    "SHA3-512": hashes.SHA3_512(),
}
"""Hash algorithms by the names in `anchorhold.algorithms`."""

CURVES: Final[dict[str, ec.EllipticCurve]] = {
    curve.name: curve
    for curve in (
        ec.SECP224R1(),
        ec.SECP256R1(),
        ec.SECP384R1(),
        ec.SECP521R1(),
        ec.SECP256K1(),
        ec.BrainpoolP256R1(),
        ec.BrainpoolP384R1(),
        ec.BrainpoolP512R1(),
    )
}
"""Elliptic curves by the names in `anchorhold.algorithms`."""


def pss(digest: hashes.HashAlgorithm) -> padding.PSS:
    """RSASSA-PSS as X.509 uses it: MGF1 with the same hash, salt of its length (RFC 4055, section 3.1)."""
    return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)


_VERIFIERS: Final[dict[str, Callable[..., None]]] = {
    "ecdsa": lambda key, signature, data, _, how: key.verify(signature, data, ec.ECDSA(how)),
    "rsa-pkcs1v15": lambda key, signature, data, _, how: key.verify(signature, data, padding.PKCS1v15(), how),
    "rsa-pss": lambda key, signature, data, digest, how: key.verify(signature, data, pss(digest), how),
    **dict.fromkeys(
        ("ed25519", "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"),
        lambda key, signature, data, *_: key.verify(signature, data),
    ),
}
"""Take key, signature, message or its digest, the hash, and how the data are hashed: by it, or already."""

_PLAIN_KINDS: Final[dict[type[object], str]] = {
    ed25519.Ed25519PublicKey: "Ed25519",
    ed448.Ed448PublicKey: "Ed448",
    mldsa.MLDSA44PublicKey: "ML-DSA-44",
    mldsa.MLDSA65PublicKey: "ML-DSA-65",
    mldsa.MLDSA87PublicKey: "ML-DSA-87",
}
"""Classes of keys that have nothing to choose but their type."""

_SMALL_PRIMES: Final = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)


def spki(key: PublicKey) -> bytes:
    """The key as DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7)."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def spec_of(key: object) -> KeySpec:
    """The kind of a public key.

    Raises:
        KeyUnsupportedError: anchorhold does not use keys of that type or curve.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = key.curve.name
        if name in CURVES:
            return KeySpec(type="EC", curve=name)
        kind = f"the curve {name}"
    elif isinstance(key, rsa.RSAPublicKey):
        return KeySpec(type="RSA", size=key.key_size)
    else:
        for interface, name in _PLAIN_KINDS.items():
            if isinstance(key, interface):
                return KeySpec(type=name)
        kind = f"{type(key).__name__.removesuffix('PublicKey')} keys"
    raise KeyUnsupportedError(
        f"public key: anchorhold does not use {kind}", hint="use an EC, RSA, Ed25519, Ed448 or ML-DSA key"
    )


def check_strength(key: object, subject: str) -> PublicKey:
    """Refuse a public key that nobody should certify (NIST SP 800-131A, SP 800-56B section 6.4.2).

    Args:
        key: Anything ``cryptography`` loads as a public key.
        subject: What the key belongs to, for the message.

    Raises:
        WeakKeyError: RSA modulus too short or too long or with a small factor, or a bad exponent.
        KeyUnsupportedError: A type or curve that is not used at all.
    """
    checked_spec(key, subject)
    return key  # type: ignore[return-value]  # every other type was refused


def checked_spec(key: object, subject: str) -> KeySpec:
    """The kind of a public key that may be certified; arguments and errors as for `check_strength`."""
    spec = spec_of(key)
    if spec.type == "RSA":
        flaw = _rsa_flaw(cast("rsa.RSAPublicKey", key).public_numbers())
        if flaw is not None:
            raise WeakKeyError(
                f"{subject}: the RSA key {flaw}", hint="make a new key, for example EC P-256 or RSA 3072"
            )
    return spec


def _rsa_flaw(numbers: rsa.RSAPublicNumbers) -> str | None:
    smallest, largest = RSA_SIZES
    bits = numbers.n.bit_length()
    if bits < smallest:
        return f"has only {bits} bits, fewer than {smallest}"
    if bits > 2 * largest:
        return f"has {bits} bits, more than {2 * largest}"
    if not 2**16 < numbers.e < 2**256 or numbers.e % 2 == 0:
        return f"has the public exponent {numbers.e}, not an odd number above 65536"
    if numbers.n % 2 == 0 or any(numbers.n % prime == 0 for prime in _SMALL_PRIMES):
        return "has a modulus with a small factor"
    return None


def digest_of(message: bytes, algorithm: Algorithm) -> bytes | None:
    """The hash that an algorithm signs in place of the message; None for those that take the message itself."""
    if algorithm.hash is None:
        return None
    return hashlib.new(HASHES[algorithm.hash].name.replace("-", "_"), message).digest()


def is_signed_by(
    key: PublicKey, signature: bytes, message: bytes, algorithm: Algorithm, digest: bytes | None = None
) -> bool:
    """Whether a signature was made over a message by the key's other half.

    Args:
        key: The public key.
        signature: In the form X.509 has it.
        message: What was signed.
        algorithm: How.
        digest: From `digest_of`, where it is known already: a long message is not hashed again then.
    """
    known = HASHES[algorithm.hash] if algorithm.hash is not None else None
    data, how = (message, known) if digest is None or known is None else (digest, Prehashed(known))
    try:
        _VERIFIERS[algorithm.scheme](key, signature, data, known, how)
    except InvalidSignature:
        return False
    return True
