"""Ways to make a signature with PKCS#11: mechanism, parameters, and what is given to it. Pure tables and encodings.

The hash is made here and the token signs it: raw mechanisms work on more modules than those that hash, and a CRL of
many megabytes does not pass through the token. The others follow for tokens that have no raw ones.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, Mechanism

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm


@dataclass(frozen=True, slots=True)
class SigningMechanism:
    """One way to make a signature.

    Attributes:
        mechanism: The PKCS#11 mechanism.
        parameter: Its parameter, as python-pkcs11 wants it.
        prepare: From message and length of the key, in bits, to what the mechanism is given.
        finish: From what the token returns to the signature as X.509 has it.
    """

    mechanism: Mechanism
    parameter: Any
    prepare: Callable[[bytes, int], bytes]
    finish: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class SigningMechanisms:
    """All ways to make one kind of signature, the most likely one first. One object for each kind.

    Attributes:
        each: The ways.
    """

    each: tuple[SigningMechanism, ...]


@dataclass(frozen=True, slots=True)
class _Hash:
    """A hash as PKCS#11 and PKCS#1 have it; mechanisms that hash by themselves are None where there are none."""

    digest: Callable[[bytes], bytes]
    size: int
    mechanism: Mechanism
    mgf: MGF
    prefix: bytes
    rsa: Mechanism
    pss: Mechanism | None = None
    ecdsa: Mechanism | None = None


def _digest_info(oid_tail: int, size: int) -> bytes:
    """A DER DigestInfo up to its digest (RFC 8017, section 9.2, note 1), for 2.16.840.1.101.3.4.2.x."""
    oid = bytes.fromhex("06096086480165030402") + bytes([oid_tail])
    algorithm = b"\x30" + bytes([len(oid) + 2]) + oid + b"\x05\x00"
    return b"\x30" + bytes([len(algorithm) + 2 + size]) + algorithm + b"\x04" + bytes([size])


def _sha2(bits: int, oid_tail: int) -> _Hash:
    name, make = f"SHA{bits}", getattr(hashlib, f"sha{bits}")
    return _Hash(
        digest=lambda message: make(message).digest(),
        size=bits // 8,
        mechanism=Mechanism[name],
        mgf=MGF[name],
        prefix=_digest_info(oid_tail, bits // 8),
        rsa=Mechanism[f"{name}_RSA_PKCS"],
        pss=Mechanism[f"{name}_RSA_PKCS_PSS"],
        ecdsa=Mechanism[f"ECDSA_{name}"],
    )


def _sha3(bits: int, oid_tail: int) -> _Hash:
    """Without those mechanisms that python-pkcs11 has no parameters or names for."""
    name, make = f"SHA3_{bits}", getattr(hashlib, f"sha3_{bits}")
    return _Hash(
        digest=lambda message: make(message).digest(),
        size=bits // 8,
        mechanism=Mechanism[name],
        mgf=MGF[name],
        prefix=_digest_info(oid_tail, bits // 8),
        rsa=Mechanism[f"{name}_RSA_PKCS"],
    )


_HASHES: Final = {
    "SHA-224": _sha2(224, 4),
    "SHA-256": _sha2(256, 1),
    "SHA-384": _sha2(384, 2),
    "SHA-512": _sha2(512, 3),
    "SHA3-224": _sha3(224, 7),
    "SHA3-256": _sha3(256, 8),
    "SHA3-384": _sha3(384, 9),
    "SHA3-512": _sha3(512, 10),
}


def mechanisms_for(algorithm: Algorithm) -> SigningMechanisms:
    """All ways to make such a signature."""
    return _MECHANISMS[algorithm.scheme, algorithm.hash]


def digest_info(hash_name: str, message: bytes) -> bytes:
    """The DER DigestInfo of a message (RFC 8017, section 9.2)."""
    hashed = _HASHES[hash_name]
    return hashed.prefix + hashed.digest(message)


def emsa_pss(hash_name: str, message: bytes, modulus_bits: int, salt: bytes | None = None) -> bytes:
    """EMSA-PSS (RFC 8017, section 9.1.1) with MGF1 of the same hash, as long as the modulus.

    Args:
        hash_name: Such as ``SHA-256``.
        message: All of it.
        modulus_bits: Length of the RSA modulus.
        salt: Random and as long as the hash, unless given.
    """
    hashed = _HASHES[hash_name]
    salt = os.urandom(hashed.size) if salt is None else salt
    bits = modulus_bits - 1
    length = (bits + 7) // 8
    if length < hashed.size + len(salt) + 2:
        raise ValueError("the RSA key is too short for this hash")
    digest = hashed.digest(bytes(8) + hashed.digest(message) + salt)
    block = bytes(length - len(salt) - hashed.size - 2) + b"\x01" + salt
    mask = _mgf1(hashed, digest, len(block))
    masked = int.from_bytes(block) ^ int.from_bytes(mask)
    masked &= (1 << (8 * len(block) - (8 * length - bits))) - 1
    encoded = masked.to_bytes(len(block)) + digest + b"\xbc"
    return encoded.rjust((modulus_bits + 7) // 8, b"\0")


def der_of_raw_ecdsa(raw: bytes) -> bytes:
    """ECDSA-Sig-Value (RFC 3279, section 2.2.3) of r and s, each of half the length (PKCS #11 v3.0, section 2.3.1)."""
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def _mgf1(hashed: _Hash, seed: bytes, length: int) -> bytes:
    """MGF1 (RFC 8017, appendix B.2.1)."""
    rounds = range((length + hashed.size - 1) // hashed.size)
    return b"".join(hashed.digest(seed + counter.to_bytes(4)) for counter in rounds)[:length]


def _whole(message: bytes, _: int) -> bytes:
    return message


def _as_is(signature: bytes) -> bytes:
    return signature


def _ecdsa(hashed: _Hash) -> SigningMechanisms:
    def prepare(message: bytes, bits: int) -> bytes:
        """The digest, cut to the length of the curve as the standard has it, which not every token does."""
        return hashed.digest(message)[: (bits + 7) // 8]

    raw = SigningMechanism(Mechanism.ECDSA, None, prepare, der_of_raw_ecdsa)
    return SigningMechanisms(
        (raw,) if hashed.ecdsa is None else (raw, SigningMechanism(hashed.ecdsa, None, _whole, der_of_raw_ecdsa))
    )


def _pkcs1(hash_name: str, hashed: _Hash) -> SigningMechanisms:
    def prepare(message: bytes, _: int) -> bytes:
        return digest_info(hash_name, message)

    return SigningMechanisms(
        (
            SigningMechanism(Mechanism.RSA_PKCS, None, prepare, _as_is),
            SigningMechanism(hashed.rsa, None, _whole, _as_is),
        )
    )


def _pss(hash_name: str, hashed: _Hash) -> SigningMechanisms:
    def digest(message: bytes, _: int) -> bytes:
        return hashed.digest(message)

    def encode(message: bytes, bits: int) -> bytes:
        return emsa_pss(hash_name, message, bits)

    parameter = (hashed.mechanism, hashed.mgf, hashed.size)
    raw = SigningMechanism(Mechanism.RSA_PKCS_PSS, parameter, digest, _as_is)
    padded = SigningMechanism(Mechanism.RSA_X_509, None, encode, _as_is)
    return SigningMechanisms(
        (raw, padded) if hashed.pss is None else (raw, SigningMechanism(hashed.pss, parameter, _whole, _as_is), padded)
    )


_EDDSA: Final = SigningMechanism(Mechanism.EDDSA, None, _whole, _as_is)
_ED448_FLAGGED: Final = SigningMechanism(Mechanism.EDDSA, (False, None), _whole, _as_is)
"""Some tokens want the parameter of Ed448 even where it says nothing."""

_MECHANISMS: Final[dict[tuple[str, str | None], SigningMechanisms]] = {
    **{("ecdsa", name): _ecdsa(hashed) for name, hashed in _HASHES.items()},
    **{("rsa-pkcs1v15", name): _pkcs1(name, hashed) for name, hashed in _HASHES.items()},
    **{("rsa-pss", name): _pss(name, hashed) for name, hashed in _HASHES.items()},
    ("ed25519", None): SigningMechanisms((_EDDSA,)),
    ("ed448", None): SigningMechanisms((_EDDSA, _ED448_FLAGGED)),
    **{
        (f"ml-dsa-{size}", None): SigningMechanisms((SigningMechanism(Mechanism.ML_DSA, None, _whole, _as_is),))
        for size in (44, 65, 87)
    },
}
