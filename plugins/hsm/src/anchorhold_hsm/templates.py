"""Templates: which attributes new keys are given (PKCS #11 v2.40, section 4, and v3.2 for ML-DSA)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.constants import DEFAULT
from pkcs11.util import biginteger

from anchorhold.errors import KeyUnsupportedError
from anchorhold_hsm.curves import EC_PARAMS, encode_point

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import KeySpec
    from anchorhold.software_keys import PrivateKey
    from anchorhold_hsm.handles import KeyReference

Template: TypeAlias = dict[Any, Any]

GUARDS: Final[Template] = {Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
"""What every private key must be: seen only after login, never shown, never let out."""

_LEFT_OUT: Final = {
    Attribute.ENCRYPT: DEFAULT,
    Attribute.DECRYPT: DEFAULT,
    Attribute.WRAP: DEFAULT,
    Attribute.UNWRAP: DEFAULT,
    Attribute.DERIVE: DEFAULT,
}
"""Not mentioned at all: some modules take no False for what a kind of key can never do."""

_PARAMETER_SETS: Final = {"ML-DSA-44": 1, "ML-DSA-65": 2, "ML-DSA-87": 3}

PRIVATE_TEMPLATES: Final[tuple[Template, ...]] = (
    {**_LEFT_OUT, **GUARDS},
    {**_LEFT_OUT, Attribute.PRIVATE: True, Attribute.SENSITIVE: DEFAULT, Attribute.EXTRACTABLE: DEFAULT},
)
"""For private keys, tried in turn: some tokens do not want to be told what they do anyway. What came out is read."""

PUBLIC_TEMPLATE: Final[Template] = dict(_LEFT_OUT)


def generation_of(spec: KeySpec) -> tuple[KeyType, int | None, Template]:
    """Key type, modulus length and attributes of the public key that say which kind of key to generate."""
    if spec.type == "RSA":
        return KeyType.RSA, spec.size, {}
    if spec.type in _PARAMETER_SETS:
        return KeyType.ML_DSA, None, {Attribute.PARAMETER_SET: _PARAMETER_SETS[spec.type]}
    key_type = KeyType.EC if spec.type == "EC" else KeyType.EC_EDWARDS
    return key_type, None, {Attribute.EC_PARAMS: EC_PARAMS[spec.curve or spec.type]}


def templates_of(key: PrivateKey, reference: KeyReference) -> tuple[Template, Template]:
    """Public and private object for a key that was made elsewhere.

    Raises:
        KeyUnsupportedError: There is no agreed form for such a key.
    """
    for kind, attributes in _IMPORTS.items():
        if isinstance(key, kind):
            key_type, public, private = attributes(key)
            common = {
                Attribute.KEY_TYPE: key_type,
                Attribute.TOKEN: True,
                Attribute.ID: reference.id,
                Attribute.LABEL: reference.label,
            }
            return (
                {Attribute.CLASS: ObjectClass.PUBLIC_KEY, **common, Attribute.VERIFY: True, **public},
                {Attribute.CLASS: ObjectClass.PRIVATE_KEY, **common, **GUARDS, Attribute.SIGN: True, **private},
            )
    raise KeyUnsupportedError(
        "imported key: keys of this type cannot be put into a token", hint="create a new key in the token instead"
    )


def _rsa(key: rsa.RSAPrivateKey) -> tuple[KeyType, Template, Template]:
    numbers = key.private_numbers()
    public = {
        Attribute.MODULUS: biginteger(numbers.public_numbers.n),
        Attribute.PUBLIC_EXPONENT: biginteger(numbers.public_numbers.e),
    }
    private = {
        Attribute.PRIVATE_EXPONENT: biginteger(numbers.d),
        Attribute.PRIME_1: biginteger(numbers.p),
        Attribute.PRIME_2: biginteger(numbers.q),
        Attribute.EXPONENT_1: biginteger(numbers.dmp1),
        Attribute.EXPONENT_2: biginteger(numbers.dmq1),
        Attribute.COEFFICIENT: biginteger(numbers.iqmp),
    }
    return KeyType.RSA, public, {**public, **private}


def _weierstrass(key: ec.EllipticCurvePrivateKey) -> tuple[KeyType, Template, Template]:
    params = {Attribute.EC_PARAMS: EC_PARAMS[key.curve.name]}
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    value = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8)
    return KeyType.EC, {**params, Attribute.EC_POINT: encode_point(point)}, {**params, Attribute.VALUE: value}


def _edwards(key: ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) -> tuple[KeyType, Template, Template]:
    name = "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "Ed448"
    params = {Attribute.EC_PARAMS: EC_PARAMS[name]}
    point = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    value = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return KeyType.EC_EDWARDS, {**params, Attribute.EC_POINT: encode_point(point)}, {**params, Attribute.VALUE: value}


_IMPORTS: Final[dict[type, Callable[[Any], tuple[KeyType, Template, Template]]]] = {
    rsa.RSAPrivateKey: _rsa,
    ec.EllipticCurvePrivateKey: _weierstrass,
    ed25519.Ed25519PrivateKey: _edwards,
    ed448.Ed448PrivateKey: _edwards,
}
