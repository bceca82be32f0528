"""What the transit engine calls the kinds of keys and hashes. Tables only.

Source: https://developer.hashicorp.com/vault/api-docs/secret/transit, "Create key" and "Sign data".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import KeyUnsupportedError
from anchorhold.plugin import Algorithm, Capabilities

if TYPE_CHECKING:
    from anchorhold.plugin import KeySpec

HASHES: Final = {"SHA-224": "sha2-224", "SHA-256": "sha2-256", "SHA-384": "sha2-384", "SHA-512": "sha2-512"}
"""Hashes to ``hash_algorithm``."""
_SCHEMES: Final[dict[str, dict[str, dict[str, str]]]] = {
    "EC": {"ecdsa": {}},
    "RSA": {
        "rsa-pkcs1v15": {"signature_algorithm": "pkcs1v15"},
        "rsa-pss": {
            "signature_algorithm": "pss",
            "salt_length": "hash",  # X.509 wants it so; the engine's own choice is as long as possible
        },
    },
}
"""Types of keys that are used with a hash to the schemes they sign by, each with its parameters."""
TYPES: Final = {
    ("EC", "secp256r1"): "ecdsa-p256",
    ("EC", "secp384r1"): "ecdsa-p384",
    ("EC", "secp521r1"): "ecdsa-p521",
    ("RSA", 2048): "rsa-2048",
    ("RSA", 3072): "rsa-3072",
    ("RSA", 4096): "rsa-4096",
    ("Ed25519", None): "ed25519",
}
"""Type, and size or curve, to ``type``."""

CAPABILITIES: Final = Capabilities(
    key_types=(*_SCHEMES, "Ed25519"),
    curves=("secp256r1", "secp384r1", "secp521r1"),
    rsa_sizes=(2048, 4096),
    hashes=tuple(HASHES),
)


def type_of(spec: KeySpec) -> str:
    """The ``type`` for a new key.

    Raises:
        KeyUnsupportedError: The engine has none such.
    """
    try:
        return TYPES[spec.type, spec.size or spec.curve]
    except KeyError:
        raise KeyUnsupportedError(
            f"vault-transit: makes no keys of the kind {spec}",
            hint="choose EC on P-256, P-384 or P-521, RSA with 2048, 3072 or 4096 bits, or Ed25519",
        ) from None


def algorithms_of(spec: KeySpec) -> dict[Algorithm, dict[str, Any]]:
    """What a key signs with, each with the parameters of the request.

    Of a message the digest is sent, for a CRL may be larger than the server takes.
    """
    if spec.type == "Ed25519":
        return {Algorithm(scheme="ed25519"): {}}
    prehashed = {"prehashed": True, "marshaling_algorithm": "asn1"}
    return {
        Algorithm(scheme=scheme, hash=name): {**prehashed, "hash_algorithm": called, **parameters}
        for scheme, parameters in _SCHEMES[spec.type].items()
        for name, called in HASHES.items()
    }
