"""Key types, curves, hashes and signature algorithms: the tables that everything else looks things up in.

Nothing here imports ``cryptography``, so that the command line can describe keys without paying for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anchorhold.errors import KeyUnsupportedError

RSA_SIZES: Final = (2048, 8192)
"""Smallest and largest RSA modulus, in bits, that anchorhold creates or certifies."""

CURVES: Final = {
    "secp224r1": "SHA-256",
    "secp256r1": "SHA-256",
    "secp384r1": "SHA-384",
    "secp521r1": "SHA-512",
    "secp256k1": "SHA-256",
    "brainpoolP256r1": "SHA-256",
    "brainpoolP384r1": "SHA-384",
    "brainpoolP512r1": "SHA-512",
}
"""Elliptic curves by their SEC 2 or RFC 5639 name, each with the hash that matches its strength."""

CURVE_SPELLINGS: Final = {
    "p-224": "secp224r1",
    "p-256": "secp256r1",
    "prime256v1": "secp256r1",
    "p-384": "secp384r1",
    "p-521": "secp521r1",
} | {name.lower(): name for name in CURVES}
"""What people write for a curve, in lower case."""

HASHES: Final = ("SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512")
"""Hash algorithms of FIPS 180-4 and FIPS 202 by their standard names; SHA-3 for EC and RSA keys only."""

HASH_SPELLINGS: Final = {
    spelling.lower(): name
    for name in HASHES
    for spelling in (name, name.replace("-", ""), name.replace("SHA3", "SHA-3"))
}

SIGNATURE_SCHEMES: Final = {
    "EC": "ecdsa",
    "RSA": "rsa-pkcs1v15",
    "Ed25519": "ed25519",
    "Ed448": "ed448",
    "ML-DSA-44": "ml-dsa-44",
    "ML-DSA-65": "ml-dsa-65",
    "ML-DSA-87": "ml-dsa-87",
}
"""Key types, each with the signature scheme its keys are used with."""

RSA_PADDINGS: Final = {"pkcs1v15": "rsa-pkcs1v15", "pss": "rsa-pss"}
"""Paddings of RSA signatures (RFC 8017, sections 8.1 and 8.2), each with its signature scheme."""

KEY_TYPES: Final = tuple(SIGNATURE_SCHEMES)
KEY_TYPE_SPELLINGS: Final = {name.lower(): name for name in KEY_TYPES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """A signature algorithm in X.509 (RFC 5280, section 4.1.1.2).

    Attributes:
        scheme: ``ecdsa``, ``rsa-pkcs1v15``, ``rsa-pss`` (MGF1 and salt as long as the hash), ``ed25519``, ``ed448``, or
            ``ml-dsa-44``, ``-65``, ``-87`` (FIPS 204).
        hash: The name of the hash, such as ``SHA-256``; None where the scheme has its own.
    """

    scheme: str
    hash: str | None = None

    def __str__(self) -> str:
        return f"{self.scheme} with {self.hash}" if self.hash else self.scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """The kind of key to create.

    Attributes:
        type: ``EC``, ``RSA``, ``Ed25519``, ``Ed448``, ``ML-DSA-44``, ``ML-DSA-65`` or ``ML-DSA-87``.
        size: Modulus length in bits, for RSA only.
        curve: SEC 2 or RFC 5639 name, for EC only.
    """

    type: str = "EC"
    size: int | None = None
    curve: str | None = None

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.type, self.size, self.curve) if part)

    def default_hash(self) -> str | None:
        """The hash that fits the strength of such a key; None where the scheme has its own."""
        if self.curve is not None:
            return CURVES[self.curve]
        return "SHA-256" if self.type == "RSA" else None

    def algorithm(self, hash_name: str | None = None, rsa_padding: str | None = None) -> Algorithm:
        """The signature algorithm for such a key.

        Args:
            hash_name: In any usual spelling; by default the one of the key's own strength.
            rsa_padding: ``pkcs1v15`` (the default) or ``pss``, for RSA only.

        Raises:
            KeyUnsupportedError: The hash or padding is not known, or the scheme takes none.
        """
        scheme = self._scheme(rsa_padding)
        default = self.default_hash()
        if hash_name is None:
            return Algorithm(scheme=scheme, hash=default)
        if default is None:
            raise KeyUnsupportedError(f"algorithm: {self.type} keys have a fixed hash", hint="leave it out")
        return Algorithm(scheme=scheme, hash=_spelled("algorithm", hash_name, HASH_SPELLINGS, HASHES))

    def _scheme(self, rsa_padding: str | None) -> str:
        if rsa_padding is None:
            return SIGNATURE_SCHEMES[self.type]
        if self.type != "RSA":
            raise KeyUnsupportedError(f"RSA padding: {self.type} keys have none", hint="leave it out")
        return _spelled("RSA padding", rsa_padding, RSA_PADDINGS, tuple(RSA_PADDINGS))


def key_spec(key_type: str | None = None, size: int | None = None, curve: str | None = None) -> KeySpec:
    """Complete and check a wish for a key: EC on P-256 unless told otherwise, RSA with 3072 bits.

    Raises:
        KeyUnsupportedError: The parts do not fit together, or one is unknown.
    """
    if key_type is None:
        key_type = "RSA" if size is not None else "EC"
    name = _spelled("key type", key_type, KEY_TYPE_SPELLINGS, KEY_TYPES)
    if size is not None and name != "RSA":
        raise KeyUnsupportedError(f"key size: {name} keys have a fixed size", hint="leave it out")
    if curve is not None and name != "EC":
        raise KeyUnsupportedError(f"elliptic curve: {name} keys take no curve", hint="leave it out")
    if name == "RSA":
        return KeySpec(type=name, size=_rsa_size(3072 if size is None else size))
    if name == "EC":
        return KeySpec(type=name, curve=_spelled("elliptic curve", curve or "P-256", CURVE_SPELLINGS, tuple(CURVES)))
    return KeySpec(type=name)


def _rsa_size(size: int) -> int:
    smallest, largest = RSA_SIZES
    if not smallest <= size <= largest or size % 8:
        raise KeyUnsupportedError(
            f"key size: {size} bits is not a valid RSA key size",
            hint=f"choose a multiple of 8 from {smallest} to {largest}",
        )
    return size


def _spelled(option: str, value: str, spellings: dict[str, str], known: tuple[str, ...]) -> str:
    try:
        return spellings[value.lower()]
    except KeyError:
        raise KeyUnsupportedError(
            f"{option}: {value!r} is not known", hint=f"choose one of {', '.join(known)}"
        ) from None
