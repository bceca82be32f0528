"""The public key in a request: fit to be certified, and exactly as its holder described it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, cast

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ObjectIdentifier

from anchorhold.errors import KeyUnsupportedError, WeakKeyError
from anchorhold.parser_errors import guard_parser
from anchorhold.public_keys import HASHES, checked_spec, spki
from anchorhold.x509.ber import BerError, read_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import KeySpec
    from anchorhold.errors import AnchorholdError
    from anchorhold.public_keys import PublicKey

_RSA_ENCRYPTION: Final = ObjectIdentifier("1.2.840.113549.1.1.1")
_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_RSASSA_PSS: Final = ObjectIdentifier("1.2.840.113549.1.1.10")
_MGF1: Final = ObjectIdentifier("1.2.840.113549.1.1.8")
_HASHES: Final = {
    ObjectIdentifier(f"2.16.840.1.101.3.4.2.{number}"): name
    for number, name in (
        (1, "SHA-256"),
        (2, "SHA-384"),
        (3, "SHA-512"),
        (4, "SHA-224"),
        (7, "SHA3-224"),
        (8, "SHA3-256"),
        (9, "SHA3-384"),
        (10, "SHA3-512"),
    )
}
_DEFAULT_SALT: Final = 20
"""Octets, if parameters of RSASSA-PSS say nothing (RFC 4055, section 3.1)."""


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The key of the holder of a certificate.

    Attributes:
        public_key: The key.
        spec: Its kind.
        octets: The key as DER SubjectPublicKeyInfo.
        info: DER SubjectPublicKeyInfo where it says more than the key: for id-RSASSA-PSS, that it only makes signatures
            with this padding, and perhaps with which hash (RFC 4055, section 1.2); else None.
    """

    public_key: PublicKey
    spec: KeySpec
    octets: bytes
    info: bytes | None = None


@asn1.sequence
class _HashAlgorithm:
    """AlgorithmIdentifier of a hash (RFC 4055, section 2.1)."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _MaskGenAlgorithm:
    """AlgorithmIdentifier of a mask generation function (RFC 4055, section 2.2)."""

    algorithm: ObjectIdentifier
    hash: _HashAlgorithm


@asn1.sequence
class _PssParameters:
    """RSASSA-PSS-params (RFC 4055, section 3.1)."""

    hash: Annotated[_HashAlgorithm | None, asn1.Explicit(0)]
    mask: Annotated[_MaskGenAlgorithm | None, asn1.Explicit(1)]
    salt_length: Annotated[int | None, asn1.Explicit(2)]
    trailer: Annotated[int | None, asn1.Explicit(3)]


@asn1.sequence
class _Algorithm:
    """AlgorithmIdentifier whose parameters are those of RSASSA-PSS, NULL or absent."""

    algorithm: ObjectIdentifier
    parameters: _PssParameters | asn1.Null | None


@asn1.sequence
class _PublicKeyInfo:
    """SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7)."""

    algorithm: _Algorithm
    key: asn1.BitString


def subject_key(load: Callable[[], object], info: bytes, subject: str) -> SubjectKey:
    """The key in a request.

    Args:
        load: Gives the key, or raises what ``cryptography`` raises over it.
        info: Its DER SubjectPublicKeyInfo, as it stands in the request.
        subject: What to call the request in messages.

    Raises:
        WeakKeyError: It is too weak.
        KeyUnsupportedError: It is of a type that is not certified, or oddly encoded.
    """
    with guard_parser(lambda cause: _unusable(subject, _algorithm(info), cause)):
        key = cast("PublicKey", load())
        spec, usual = checked_spec(key, subject), spki(key)
    if usual == info:
        return SubjectKey(key, spec, usual)
    algorithm = _algorithm(info)
    if _is_plain(key, algorithm):
        return SubjectKey(key, spec, usual)
    if isinstance(key, rsa.RSAPublicKey) and _is_usable_pss(info):
        return SubjectKey(key, spec, usual, info)
    raise KeyUnsupportedError(
        f"{subject}: its public key is bound to {_bound_to(algorithm)}",
        hint="use a plain EC, RSA, Ed25519, Ed448 or ML-DSA key",
    )


def pss_hash(info: bytes) -> str | None:
    """The one hash that an id-RSASSA-PSS key signs with (RFC 4055, sections 1.2 and 3.3); None for one bound to none.

    Args:
        info: DER SubjectPublicKeyInfo of such a key.

    Raises:
        KeyUnsupportedError: It is bound to what is not used: SHA-1, two hashes, or a salt longer than the hash.
    """
    try:
        parameters = asn1.decode_der(_PublicKeyInfo, info).algorithm.parameters
    except ValueError as error:
        raise _bound_to_other(error) from error
    if parameters is None:
        return None
    if not isinstance(parameters, _PssParameters) or parameters.hash is None or parameters.mask is None:
        raise _bound_to_other()  # absent ones mean SHA-1
    name = _HASHES.get(parameters.hash.algorithm)
    one = parameters.mask.algorithm == _MGF1 and parameters.mask.hash.algorithm == parameters.hash.algorithm
    salt = _DEFAULT_SALT if parameters.salt_length is None else parameters.salt_length
    if name is None or not one or salt > HASHES[name].digest_size or parameters.trailer not in (None, 1):
        raise _bound_to_other()
    return name


def _bound_to_other(reason: object = None) -> KeyUnsupportedError:
    return KeyUnsupportedError(
        "certificate: its RSASSA-PSS key is bound to a hash, a mask or a salt that is not supported"
        f"{f' ({reason})' if reason else ''}",
        hint="have the key certified again, bound to SHA-2 or SHA-3, MGF1 with that hash and a salt as long, or free",
    )


def _unusable(subject: str, algorithm: str | None, cause: str) -> AnchorholdError:
    if algorithm == _RSA_ENCRYPTION.dotted_string:
        return WeakKeyError(
            f"{subject}: the RSA key has a modulus or exponent that cannot be right ({cause})", hint="make a new key"
        )
    return KeyUnsupportedError(
        f"{subject}: its public key cannot be used ({cause})", hint="use an EC, RSA, Ed25519, Ed448 or ML-DSA key"
    )


def _is_plain(key: PublicKey, algorithm: str | None) -> bool:
    """Whether it is a key for anything, however it is written: parameters left out, or a compressed point.

    The certificate has it in the one form that everybody reads (RFC 3279, section 2.3.1; RFC 5480, section 2.2).
    """
    kinds = {_RSA_ENCRYPTION.dotted_string: rsa.RSAPublicKey, _EC_PUBLIC_KEY: ec.EllipticCurvePublicKey}
    kind = kinds.get(algorithm or "")
    return kind is not None and isinstance(key, kind)


def _bound_to(algorithm: str | None) -> str:
    if algorithm == _RSASSA_PSS.dotted_string:
        return "RSASSA-PSS with a hash that is not used any more, or with odd parameters"
    return f"the algorithm {algorithm}, or oddly encoded"


def _algorithm(info: bytes) -> str | None:
    try:
        return read_one(info).member(0).member(0).oid.dotted_string
    except BerError:
        return None


def _is_usable_pss(info: bytes) -> bool:
    """Whether it is an id-RSASSA-PSS key that is bound to no hash, or to SHA-2 or SHA-3 (absent ones mean SHA-1)."""
    try:
        algorithm = asn1.decode_der(_PublicKeyInfo, info).algorithm
    except ValueError:
        return False
    parameters = algorithm.parameters
    if algorithm.algorithm != _RSASSA_PSS or not isinstance(parameters, _PssParameters):
        return algorithm.algorithm == _RSASSA_PSS and parameters is None
    digest, mask = parameters.hash, parameters.mask
    return (
        digest is not None
        and digest.algorithm in _HASHES
        and mask is not None
        and mask.algorithm == _MGF1
        and mask.hash.algorithm in _HASHES
    )
