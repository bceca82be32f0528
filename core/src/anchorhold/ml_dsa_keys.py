"""The forms in which ML-DSA private keys are written (RFC 9881, section 6): of these, the seed is what counts."""

from __future__ import annotations

from hashlib import shake_256
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import mldsa

from anchorhold.errors import KeyInvalidError, KeyUnsupportedError
from anchorhold.x509.ber import INTEGER, OCTET_STRING, SEQUENCE, BerError, Value, read_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.software_keys import PrivateKey

_FROM_SEED: Final[dict[str, Callable[[bytes], PrivateKey]]] = {
    "2.16.840.1.101.3.4.3.17": mldsa.MLDSA44PrivateKey.from_seed_bytes,
    "2.16.840.1.101.3.4.3.18": mldsa.MLDSA65PrivateKey.from_seed_bytes,
    "2.16.840.1.101.3.4.3.19": mldsa.MLDSA87PrivateKey.from_seed_bytes,
}
_SEED: Final = 0x80
_SEED_SIZE: Final = 32


def load_ml_dsa(der: bytes, subject: str) -> PrivateKey | None:
    """The key in a PrivateKeyInfo with ``both`` seed and expanded key; None if that is no ML-DSA key.

    Raises:
        KeyUnsupportedError: It is the expanded key alone, from which the seed cannot be had again.
        BerError: It is not even the frame of a key.
        KeyInvalidError: Seed and expanded key are of two keys, or it is in none of the forms.
    """
    whole = read_one(der)
    _ = whole.member(0, INTEGER)
    make = _FROM_SEED.get(whole.member(1, SEQUENCE).member(0).oid.dotted_string)
    if make is None:
        return None
    try:
        form = read_one(whole.member(2, OCTET_STRING).content)
        seed, expanded = _seed_and_expanded(form)
    except BerError as error:
        raise KeyInvalidError(f"{subject}: the ML-DSA key {error}", hint="export it again, with its seed") from error
    if seed is None:
        raise KeyUnsupportedError(
            f"{subject}: the ML-DSA key is in expanded form, but only the seed is supported",
            hint="export it with its seed, as openssl 3.5 does by default",
        )
    if len(seed) != _SEED_SIZE:
        raise KeyInvalidError(
            f"{subject}: the seed of the ML-DSA key has {len(seed)} octets, not 32", hint="correct it"
        )
    key = make(seed)
    if expanded is not None and not _agrees(expanded, key.public_key().public_bytes_raw()):  # type: ignore[union-attr]
        raise KeyInvalidError(
            f"{subject}: the seed and the expanded ML-DSA key do not belong together",
            hint="find out which one is correct",
        )
    return key


def _seed_and_expanded(form: Value) -> tuple[bytes | None, bytes | None]:
    if form.tag == _SEED:
        return form.content, None
    if form.tag == OCTET_STRING:
        return None, form.content
    if form.tag == SEQUENCE:
        return form.member(0, OCTET_STRING).content, form.member(1, OCTET_STRING).content
    raise BerError("is not in any of the three formats of RFC 9881")


def _agrees(expanded: bytes, public: bytes) -> bool:
    """Whether an expanded key begins as FIPS 204 has it for that public key: rho, K, and the hash of the key."""
    return expanded[:32] == public[:32] and expanded[64:128] == shake_256(public).digest(64)
