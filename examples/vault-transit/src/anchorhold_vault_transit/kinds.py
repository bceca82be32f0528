"""What the transit engine calls the kinds of keys and hashes. Tables only.

Source: https://developer.hashicorp.com/vault/api-docs/secret/transit, "Create key" and "Sign data".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import KeyUnsupportedError
from anchorhold.seam import Capabilities

if TYPE_CHECKING:
    from anchorhold.seam import KeySpec

HASHES: Final = {"SHA-224": "sha2-224", "SHA-256": "sha2-256", "SHA-384": "sha2-384", "SHA-512": "sha2-512"}
"""Hashes to ``hash_algorithm``."""
PADDINGS: Final = {"rsa-pkcs1v15": "pkcs1v15", "rsa-pss": "pss"}
"""Schemes of RSA signatures to ``signature_algorithm``."""
SCHEMES: Final = {"EC": ("ecdsa",), "RSA": tuple(PADDINGS), "Ed25519": ("ed25519",)}
"""Types of keys to the schemes they sign by."""
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
    key_types=tuple(SCHEMES),
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
