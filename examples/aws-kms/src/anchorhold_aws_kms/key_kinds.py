"""What KMS calls the kinds of keys and signatures. Tables only.

Source: AWS KMS Developer Guide, "Key spec reference", and AWS KMS API Reference, actions ``CreateKey`` and ``Sign``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import KeyUnsupportedError
from anchorhold.plugin import Algorithm, Capabilities

if TYPE_CHECKING:
    from anchorhold.plugin import KeySpec

CAPABILITIES: Final = Capabilities(
    key_types=("EC", "RSA"),
    curves=("secp256r1", "secp384r1", "secp521r1", "secp256k1"),
    rsa_sizes=(2048, 4096),
    hashes=("SHA-256", "SHA-384", "SHA-512"),
)

_KEYS: Final = {
    ("RSA", 2048): "RSA_2048",
    ("RSA", 3072): "RSA_3072",
    ("RSA", 4096): "RSA_4096",
    ("EC", "secp256r1"): "ECC_NIST_P256",
    ("EC", "secp384r1"): "ECC_NIST_P384",
    ("EC", "secp521r1"): "ECC_NIST_P521",
    ("EC", "secp256k1"): "ECC_SECG_P256K1",
}
"""Type, and size or curve, to ``KeySpec``."""

_SIGNATURES: Final = {
    (scheme, name): f"{prefix}_{name.replace('-', '_')}"
    for scheme, prefix in (("rsa-pkcs1v15", "RSASSA_PKCS1_V1_5"), ("rsa-pss", "RSASSA_PSS"), ("ecdsa", "ECDSA"))
    for name in CAPABILITIES.hashes
}
"""Scheme and hash to ``SigningAlgorithm``."""


def key_spec_of(spec: KeySpec) -> str:
    """The ``KeySpec`` for a new key.

    Raises:
        KeyUnsupportedError: KMS has none such.
    """
    try:
        return _KEYS[spec.type, spec.size or spec.curve]
    except KeyError:
        raise KeyUnsupportedError(
            f"aws-kms: KMS makes no keys of the kind {spec}",
            hint="choose EC on P-256, P-384, P-521 or secp256k1, or RSA with 2048, 3072 or 4096 bits",
        ) from None


def algorithms_of(offered: tuple[str, ...]) -> dict[Algorithm, str]:
    """What a key signs with, each with its ``SigningAlgorithm``.

    KMS has one for each curve, with the hash of its strength. As it takes digests, that one serves for every hash:
    see `digest_for`.

    Args:
        offered: What KMS says the key signs with.
    """
    curves = [one for one in offered if one.startswith("ECDSA") and one in _SIGNATURES.values()]
    ecdsa = {Algorithm(scheme="ecdsa", hash=name): curves[0] for name in CAPABILITIES.hashes if curves}
    rsa = {
        Algorithm(scheme=scheme, hash=name): found
        for (scheme, name), found in _SIGNATURES.items()
        if found in offered and scheme != "ecdsa"
    }
    return ecdsa | rsa


def takes_raw(name: str, algorithm: Algorithm) -> bool:
    """Whether a ``SigningAlgorithm`` hashes as the algorithm does, so that it can be given the message itself."""
    return name == _SIGNATURES[algorithm.scheme, algorithm.hash or ""]


def digest_for(name: str, digest: bytes) -> bytes:
    """A digest in the length that a ``SigningAlgorithm`` takes.

    ECDSA signs the leftmost bits of a digest, as many as the order of the curve has, as a number (FIPS 186-5, section
    6.4.1). So a longer digest is cut, a shorter one has zeros put before it, and the signature is the same.
    """
    size = int(name[-3:]) // 8
    return digest[:size].rjust(size, b"\0")
