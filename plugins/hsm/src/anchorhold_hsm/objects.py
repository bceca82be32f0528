"""Objects of a token: finding private keys, and the public halves of them wherever the token keeps those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.exceptions import (
    ArgumentsBad,
    AttributeSensitive,
    AttributeTypeInvalid,
    FunctionFailed,
    UserNotLoggedIn,
)

from anchorhold.errors import KeyUnsupportedError
from anchorhold.public_keys import spec_of, spki
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold_hsm.curves import decode_point
from anchorhold_hsm.handles import KeyReference
from anchorhold_hsm.session import PUBLIC_KEY_INFO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from anchorhold.public_keys import PublicKey
    from anchorhold_hsm.session import TokenSession

Object: TypeAlias = Any
"""An object of python-pkcs11."""
Attributes: TypeAlias = "Mapping[Any, Any]"

_UNREADABLE: Final = (
    ArgumentsBad,
    AttributeSensitive,
    AttributeTypeInvalid,
    FunctionFailed,
    NotImplementedError,
    ValueError,
)
"""What reading one attribute may raise while the object itself is fine; the last two are python-pkcs11's own."""

_ML_DSA: Final[dict[int, Callable[[bytes], PublicKey]]] = {
    1: mldsa.MLDSA44PublicKey.from_public_bytes,
    2: mldsa.MLDSA65PublicKey.from_public_bytes,
    3: mldsa.MLDSA87PublicKey.from_public_bytes,
}


def read(found: Object, *attributes: Any) -> dict[Any, Any]:
    """Those of the attributes that the object has and the token shows; empty ones are left out."""
    values: dict[Any, Any] = {}
    for attribute in attributes:
        try:
            value = found[attribute]
        except _UNREADABLE:
            continue
        if value not in (b"", ""):
            values[attribute] = value
    return values


def search(token_session: TokenSession, kind: ObjectClass, key_id: bytes = b"", label: str = "") -> list[Object]:
    """Objects of one class, by id, label or both.

    Raises:
        PKCS11Error: The token cannot search; UserNotLoggedIn if private keys would only seem not to be there.
    """
    # It raises if the session is gone, where searching would print a traceback.
    logged_in = token_session.token.logged_in(token_session.session)
    template: dict[Attribute, Any] = {Attribute.CLASS: kind}
    if key_id:
        template[Attribute.ID] = key_id
    if label:
        template[Attribute.LABEL] = label
    found = list(token_session.session.get_objects(template))
    if not found and not logged_in:
        raise UserNotLoggedIn
    return found


def private_keys(token_session: TokenSession, key_id: bytes = b"", label: str = "") -> list[Object]:
    """Private keys, by id, label or both."""
    return search(token_session, ObjectClass.PRIVATE_KEY, key_id, label)


def reference_to(private: Object) -> KeyReference:
    """What to find a private key by, later."""
    values = read(private, Attribute.ID, Attribute.LABEL)
    return KeyReference(values.get(Attribute.ID, b""), values.get(Attribute.LABEL, ""))


def locate(token_session: TokenSession, reference: KeyReference, public_key: PublicKey) -> Object | None:
    """The private key that is referred to; among several the one whose public half fits.

    Returns:
        None if there is none.
    """
    found = private_keys(token_session, reference.id, "" if reference.id else reference.label)
    if len(found) < 2:
        return found[0] if found else None
    wanted = spki(public_key)
    halves = ((private, public_key_of(token_session, private)) for private in found)
    return next((private for private, half in halves if half is not None and spki(half) == wanted), None)


def public_key_of(token_session: TokenSession, private: Object) -> PublicKey | None:
    """The public half of a private key: from its public object, from itself, or from a certificate beside it.

    Returns:
        None if the token has it nowhere.

    Raises:
        KeyUnsupportedError: It is of a kind that anchorhold does not use.
    """
    return next(_candidates(token_session, private), None)


def public_objects(token_session: TokenSession, reference: KeyReference) -> list[Object]:
    """The public key objects that belong to a private key."""
    return _beside(token_session, reference, ObjectClass.PUBLIC_KEY)


def _candidates(token_session: TokenSession, private: Object) -> Iterator[PublicKey]:
    reference = reference_to(private)
    for found in (*public_objects(token_session, reference), private):
        key = _decoded(found)
        if key is not None:
            yield _usable(key)
    for found in _beside(token_session, reference, ObjectClass.CERTIFICATE):
        key = _from_certificate(read(found, Attribute.VALUE).get(Attribute.VALUE, b""))
        if key is not None:
            yield _usable(key)


def _beside(token_session: TokenSession, reference: KeyReference, kind: ObjectClass) -> list[Object]:
    if not (reference.id or reference.label):
        return []
    return search(token_session, kind, reference.id, "" if reference.id else reference.label)


def _usable(key: object) -> PublicKey:
    spec_of(key)
    return key  # type: ignore[return-value]  # spec_of refused every other type


def _decoded(found: Object) -> object | None:
    kind = read(found, Attribute.KEY_TYPE).get(Attribute.KEY_TYPE)
    names, decode = _DECODERS.get(kind, ((), _nothing))
    values = read(found, *names)
    key = decode(values) if len(values) == len(names) else None
    return key or _from_info(read(found, PUBLIC_KEY_INFO).get(PUBLIC_KEY_INFO, b""))


def _nothing(_: Attributes) -> None:
    return None


def _rsa(values: Attributes) -> PublicKey | None:
    exponent, modulus = values[Attribute.PUBLIC_EXPONENT], values[Attribute.MODULUS]
    numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent), int.from_bytes(modulus))
    try:
        return numbers.public_key()
    except ValueError:
        return None


def _elliptic(values: Attributes) -> PublicKey | None:
    return decode_point(values[Attribute.EC_PARAMS], values[Attribute.EC_POINT])


def _ml_dsa(values: Attributes) -> PublicKey | None:
    load = _ML_DSA.get(values[Attribute.PARAMETER_SET])
    try:
        return load(values[Attribute.VALUE]) if load is not None else None
    except ValueError:
        return None


_DECODERS: Final[dict[object, tuple[tuple[Attribute, ...], Callable[[Attributes], PublicKey | None]]]] = {
    KeyType.RSA: ((Attribute.PUBLIC_EXPONENT, Attribute.MODULUS), _rsa),
    KeyType.EC: ((Attribute.EC_PARAMS, Attribute.EC_POINT), _elliptic),
    KeyType.EC_EDWARDS: ((Attribute.EC_PARAMS, Attribute.EC_POINT), _elliptic),
    KeyType.ML_DSA: ((Attribute.PARAMETER_SET, Attribute.VALUE), _ml_dsa),
}
"""Key types, each with the attributes that its public half is in."""


def _from_info(der: bytes) -> object | None:
    """A SubjectPublicKeyInfo that some tokens have, and some have wrongly."""
    try:
        return load_der_public_key(der) if der else None
    except (ValueError, UnsupportedAlgorithm):
        return None


def _from_certificate(der: bytes) -> object | None:
    try:
        return load_lenient(der).public_key() if der else None
    except (ValueError, UnsupportedAlgorithm):
        return None


def check_may_sign(private: Object, subject: str) -> None:
    """Refuse a private key that the token does not let sign (CKA_SIGN).

    Raises:
        KeyUnsupportedError: It is for something else.
    """
    if not hasattr(private, "sign"):
        raise KeyUnsupportedError(
            f"{subject}: the key is not for signing (CKA_SIGN is not set)", hint="use a key that was made for signing"
        )


def destroy(objects: Iterable[Object]) -> None:
    """Destroy objects permanently."""
    for found in objects:
        found.destroy()
