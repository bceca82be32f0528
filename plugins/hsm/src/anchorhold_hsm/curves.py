"""Elliptic curves as PKCS#11 has them: CKA_EC_PARAMS and CKA_EC_POINT (PKCS #11 v3.0, sections 2.3.3 and 2.3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519

from anchorhold.public_keys import CURVES

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.public_keys import PublicKey

EC_PARAMS: Final = {
    "secp224r1": bytes.fromhex("06052b81040021"),
    "secp256r1": bytes.fromhex("06082a8648ce3d030107"),
    "secp384r1": bytes.fromhex("06052b81040022"),
    "secp521r1": bytes.fromhex("06052b81040023"),
    "secp256k1": bytes.fromhex("06052b8104000a"),
    "brainpoolP256r1": bytes.fromhex("06092b2403030208010107"),
    "brainpoolP384r1": bytes.fromhex("06092b240303020801010b"),
    "brainpoolP512r1": bytes.fromhex("06092b240303020801010d"),
    "Ed25519": bytes.fromhex("06032b6570"),
    "Ed448": bytes.fromhex("06032b6571"),
}
"""DER object identifiers: RFC 5480, section 2.1.1.1; SEC 2; RFC 5639, section 4.1; RFC 8410, section 3."""

_PRINTABLE: Final = {
    b"\x13\x0c" + b"edwards25519": "Ed25519",
    b"\x13\x0a" + b"edwards448": "Ed448",
}
"""DER PrintableString, the other form of a named curve."""

_NAMES: Final = {params: name for name, params in EC_PARAMS.items()} | _PRINTABLE

_EDWARDS: Final[dict[str, tuple[int, Callable[[bytes], PublicKey]]]] = {
    "Ed25519": (32, ed25519.Ed25519PublicKey.from_public_bytes),
    "Ed448": (57, ed448.Ed448PublicKey.from_public_bytes),
}


def curve_of(params: bytes) -> str | None:
    """The name of the curve in CKA_EC_PARAMS; None if it is none of ours."""
    return _NAMES.get(params)


def decode_point(params: bytes, point: bytes) -> PublicKey | None:
    """The public key in CKA_EC_POINT.

    The standard wants a DER OCTET STRING; there are also raw points, and strings whose length is wrong. So the last
    octets count, as many as the curve has; that they are the right ones is proved by a signature later on.

    Returns:
        None if the curve is not known, or the octets are no point on it.
    """
    name = curve_of(params)
    try:
        if name in _EDWARDS:
            size, load = _EDWARDS[name]
            return load(point[-size:])
        if name in CURVES:
            curve = CURVES[name]
            raw = point[-(1 + 2 * ((curve.key_size + 7) // 8)) :]
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, raw) if raw[:1] == b"\x04" else None
    except ValueError:
        return None
    return None


def encode_point(raw: bytes) -> bytes:
    """CKA_EC_POINT as the standard has it: a DER OCTET STRING."""
    length = bytes([len(raw)]) if len(raw) < 0x80 else bytes([0x81, len(raw)])
    return b"\x04" + length + raw
