"""What tokens are given and what they return, in the forms that real tokens have."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anchorhold import public_keys, software_keys
from anchorhold.algorithms import CURVES, HASHES, Algorithm, KeySpec
from anchorhold.public_keys import is_signed_by, spki
from anchorhold_hsm.curves import EC_PARAMS, curve_of, decode_point, encode_point
from anchorhold_hsm.signing_mechanisms import der_of_raw_ecdsa, digest_info, emsa_pss

CURVE_KEYS = (*(KeySpec(type="EC", curve=curve) for curve in CURVES), KeySpec(type="Ed25519"), KeySpec(type="Ed448"))
RSA_KEYS = [rsa.generate_private_key(65537, bits) for bits in (2048, 2050, 2056)]
RSA_KEY = RSA_KEYS[0]


def point_of(key: software_keys.PrivateKey) -> bytes:
    """The raw public point of a key."""
    public = key.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert isinstance(public, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey))
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


@pytest.mark.parametrize("spec", CURVE_KEYS, ids=str)
@pytest.mark.parametrize("form", ["raw", "wrapped", "wrong length octet", "bit string"])
def test_a_point_is_read_in_every_form_that_tokens_give(spec: KeySpec, form: str) -> None:
    key = software_keys.generate(spec)
    raw = point_of(key)
    forms = {
        "raw": raw,
        "wrapped": encode_point(raw),
        "wrong length octet": b"\x04\x81\x05" + raw,
        "bit string": b"\x03" + bytes([len(raw) + 1 & 0x7F]) + b"\0" + raw,
    }
    read = decode_point(EC_PARAMS[spec.curve or spec.type], forms[form])
    assert read is not None
    assert spki(read) == spki(key.public_key())


@pytest.mark.parametrize(
    ("params", "point"),
    [
        (EC_PARAMS["secp256r1"], b""),
        (EC_PARAMS["secp256r1"], b"\x04" + b"\x01" * 64),
        (EC_PARAMS["secp256r1"], b"\x05" + b"\x01" * 64),
        (EC_PARAMS["Ed25519"], b"\x01" * 31),
        (b"\x06\x01\x00", b"\x04" + b"\x01" * 64),
        (b"", b""),
    ],
)
def test_what_is_no_point_is_nothing(params: bytes, point: bytes) -> None:
    assert decode_point(params, point) is None


@pytest.mark.parametrize(
    ("params", "name"),
    [
        (b"\x13\x0cedwards25519", "Ed25519"),
        (b"\x13\x0aedwards448", "Ed448"),
        (bytes.fromhex("06032b6570"), "Ed25519"),
        (b"\x30\x00", None),
    ],
)
def test_curves_are_known_by_identifier_and_by_name(params: bytes, name: str | None) -> None:
    assert curve_of(params) == name


@pytest.mark.parametrize("hash_name", HASHES)
def test_digest_info_is_what_openssl_signs(hash_name: str) -> None:
    message, algorithm = os.urandom(100), Algorithm(scheme="rsa-pkcs1v15", hash=hash_name)
    info = digest_info(hash_name, message)
    padded = b"\0\x01" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    assert is_signed_by(RSA_KEY.public_key(), raw_rsa(padded), message, algorithm)


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("key", RSA_KEYS, ids=lambda key: str(key.key_size))
def test_emsa_pss_is_what_openssl_accepts(hash_name: str, key: rsa.RSAPrivateKey) -> None:
    message, algorithm = os.urandom(100), Algorithm(scheme="rsa-pss", hash=hash_name)
    encoded = emsa_pss(hash_name, message, key.key_size)
    assert is_signed_by(key.public_key(), raw_rsa(encoded, key), message, algorithm)


def raw_rsa(block: bytes, key: rsa.RSAPrivateKey = RSA_KEY) -> bytes:
    """What the mechanism RSA_X_509 does."""
    numbers = key.private_numbers()
    number = pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n)
    return number.to_bytes((key.key_size + 7) // 8)


def test_a_hash_too_long_for_the_key_is_no_encoding() -> None:
    with pytest.raises(ValueError, match="too short"):
        emsa_pss("SHA-512", b"", 1024)


@pytest.mark.parametrize("size", [28, 32, 48, 64, 66])
@pytest.mark.parametrize("first", [0, 1, 0x7F, 0x80, 0xFF])
def test_r_and_s_become_der(size: int, first: int) -> None:
    r, s = bytes([first]) + os.urandom(size - 1), bytes(size - 1) + bytes([first or 1])
    assert decode_dss_signature(der_of_raw_ecdsa(r + s)) == (int.from_bytes(r), int.from_bytes(s))


def test_the_smallest_numbers_become_der() -> None:
    assert der_of_raw_ecdsa(bytes(64)) == bytes.fromhex("3006020100020100")


def test_every_elliptic_curve_of_core_is_known_to_pkcs11() -> None:
    assert [*public_keys.CURVES] == [*CURVES]
    assert {*EC_PARAMS} == {*CURVES, "Ed25519", "Ed448"}
