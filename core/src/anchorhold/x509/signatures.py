"""Signatures that others made, by whatever algorithm: whether they are right, apart from whether anybody likes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

from anchorhold.parser_errors import cause_of, is_parser_error
from anchorhold.x509.ber import BerError, Value

if TYPE_CHECKING:
    from collections.abc import Callable

_MD5: Final = hashes.MD5()  # noqa: S303
_SHA1: Final = hashes.SHA1()  # noqa: S303
"""What others have signed with; nothing here does."""

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.113549.2.5": _MD5,
    "1.3.14.3.2.26": _SHA1,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
    "2.16.840.1.101.3.4.2.4": hashes.SHA224(),
    "2.16.840.1.101.3.4.2.5": hashes.SHA512_224(),
    "2.16.840.1.101.3.4.2.6": hashes.SHA512_256(),
    "2.16.840.1.101.3.4.2.7": hashes.SHA3_224(),
    "2.16.840.1.101.3.4.2.8": hashes.SHA3_256(),
    "2.16.840.1.101.3.4.2.9": hashes.SHA3_384(),
    "2.16.840.1.101.3.4.2.10": hashes.SHA3_512(),
}
_SHA2: Final = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
_SHA3: Final = (hashes.SHA3_224(), hashes.SHA3_256(), hashes.SHA3_384(), hashes.SHA3_512())

_RSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.4": _MD5,
    "1.2.840.113549.1.1.5": _SHA1,
    "1.3.14.3.2.29": _SHA1,  # sha1WithRSASignature, of old makers
    **{f"1.2.840.113549.1.1.{number}": each for number, each in zip((11, 12, 13), _SHA2, strict=True)},
    "1.2.840.113549.1.1.14": hashes.SHA224(),
    **{f"2.16.840.1.101.3.4.3.{number}": each for number, each in enumerate(_SHA3, start=13)},
}
_ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.10045.4.1": _SHA1,
    "1.2.840.10045.4.3.1": hashes.SHA224(),
    **{f"1.2.840.10045.4.3.{number}": each for number, each in enumerate(_SHA2, start=2)},
    **{f"2.16.840.1.101.3.4.3.{number}": each for number, each in enumerate(_SHA3, start=9)},
}
_PLAIN: Final[dict[str, type[object]]] = {
    "1.3.101.112": ed25519.Ed25519PublicKey,
    "1.3.101.113": ed448.Ed448PublicKey,
    "2.16.840.1.101.3.4.3.17": mldsa.MLDSA44PublicKey,
    "2.16.840.1.101.3.4.3.18": mldsa.MLDSA65PublicKey,
    "2.16.840.1.101.3.4.3.19": mldsa.MLDSA87PublicKey,
}
_RSASSA_PSS: Final = "1.2.840.113549.1.1.10"
_NAMES: Final = {"1.2.840.113549.1.1.2": "MD2", "1.2.840.113549.1.1.3": "MD4", "1.2.840.10040.4.3": "DSA with SHA-1"}
"""Of what cannot be verified, and yet is met."""


def signature_flaw(key: object, message: bytes, signature: bytes, algorithm: Value) -> str | None:
    """Why a signature is not that of a key over a message, in words behind "its signature"; None if it is.

    Args:
        key: Any public key.
        message: What was signed, as it was handed over.
        signature: In the form X.509 has it.
        algorithm: The AlgorithmIdentifier.
    """
    try:
        oid = algorithm.member(0).oid.dotted_string
        verify = _verifier(key, oid, algorithm)
        if verify is None:
            return f"is of the algorithm {_NAMES.get(oid, oid)}, which is not supported or does not match the key"
        verify(signature, message)
    except InvalidSignature:
        return "does not match the content and the key"
    except BerError as error:
        return f"has an unreadable algorithm: {error}"
    except BaseException as error:
        if not is_parser_error(error):
            raise
        return f"cannot be verified ({cause_of(error)})"
    return None


def hash_of_signature(algorithm: Value) -> str | None:
    """The name of the hash of an AlgorithmIdentifier, such as ``SHA-1``; None if there is none, or it is not known."""
    try:
        oid = algorithm.member(0).oid.dotted_string
        found = _RSA.get(oid) or _ECDSA.get(oid) or (_pss(algorithm)[0] if oid == _RSASSA_PSS else None)
    except ValueError:
        return None
    return _NAMES.get(oid) if found is None else _spelled(found)


def _spelled(digest: hashes.HashAlgorithm) -> str:
    name = digest.name.upper()
    return name if name.startswith(("MD", "SHA3-")) else name.replace("SHA", "SHA-")


def _verifier(key: object, oid: str, algorithm: Value) -> Callable[[bytes, bytes], object] | None:
    if isinstance(key, rsa.RSAPublicKey) and oid in _RSA:
        return lambda signature, message: key.verify(signature, message, padding.PKCS1v15(), _RSA[oid])
    if isinstance(key, rsa.RSAPublicKey) and oid == _RSASSA_PSS:
        digest, mask, salt = _pss(algorithm)
        how = padding.PSS(padding.MGF1(mask), salt)
        return lambda signature, message: key.verify(signature, message, how, digest)
    if isinstance(key, ec.EllipticCurvePublicKey) and oid in _ECDSA:
        return lambda signature, message: key.verify(signature, message, ec.ECDSA(_ECDSA[oid]))
    plain = _PLAIN.get(oid)
    if plain is not None and isinstance(key, plain):
        return key.verify  # type: ignore[attr-defined,no-any-return]  # all of them have it
    return None


def _pss(algorithm: Value) -> tuple[hashes.HashAlgorithm, hashes.HashAlgorithm, int]:
    """Hash, hash of the mask and length of the salt, with their defaults (RFC 4055, section 3.1)."""
    given = {each.tag & 0x1F: each.member(0) for each in algorithm.member(1).members} if algorithm.members[1:] else {}
    digest = _hash(given[0]) if 0 in given else _SHA1
    mask = _hash(given[1].member(1)) if 1 in given else _SHA1
    salt = given[2].integer if 2 in given else 20
    if not 0 <= salt < 1 << 16:
        raise BerError("its salt length is out of range")
    return digest, mask, salt


def _hash(algorithm: Value) -> hashes.HashAlgorithm:
    oid = algorithm.member(0).oid.dotted_string
    if oid not in _HASHES:
        raise BerError(f"the hash {oid} is not known")
    return _HASHES[oid]
