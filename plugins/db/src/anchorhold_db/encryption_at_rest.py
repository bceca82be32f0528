"""Sealing a key with the encryption key of an alias: AES-256-GCM, bound to the row it is stored in.

The encryption key is either 32 random octets in base64 or hexadecimal, or any other text. Random octets need no
stretching, so a key is opened in microseconds; anything else is taken for a passphrase and stretched as passwords of
encrypted keys are. From that, HKDF (RFC 5869) derives for each row, with a salt of its own, the key of the cipher and
a check value. The check value tells a wrong encryption key from a row that was altered.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from anchorhold.errors import KeyInvalidError, SecretWrongError
from anchorhold.plugin import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold_db.stored_key import StoredKey

_PURPOSE: Final = b"anchorhold-db private key 1"
_RANDOM: Final = re.compile(rb"[0-9A-Fa-f]{64}|[A-Za-z0-9+/_-]{43}=?")
"""32 octets in hexadecimal or base64 (RFC 4648, sections 4, 5 and 8)."""
_CIPHER_KEY, _CHECK = 32, 16

_STRETCHING: Final[dict[str, Callable[[bytes, bytes], bytes]]] = {
    "none": lambda key, _: key,
    "pbkdf2-sha256-600000": lambda key, salt: PBKDF2HMAC(hashes.SHA256(), 32, salt, 600_000).derive(key),
}
"""By the name that the row records, so that what is chosen for new rows can change."""


def encrypt_content(row: StoredKey, encryption_key: Secret) -> StoredKey:
    """The row with its content sealed."""
    given = encryption_key.reveal_bytes()
    stretching = "none" if _RANDOM.fullmatch(given) else "pbkdf2-sha256-600000"
    salt, nonce = os.urandom(32), os.urandom(12)
    key, check = _derive(given, stretching, salt)
    sealed = AESGCM(key).encrypt(nonce, row.content.reveal_bytes(), _identity(row))
    how = {"stretching": stretching, "salt": salt.hex(), "nonce": nonce.hex(), "check": check.hex()}
    return replace(row, sealing=json.dumps({"sealing": "aes-256-gcm", **how}), content=Secret(sealed))


def decrypt_content(row: StoredKey, encryption_key: Secret, subject: str) -> Secret:
    """The content of a row before it was sealed.

    Args:
        row: One that is sealed.
        encryption_key: Of the alias.
        subject: Whose key it is, for messages.

    Raises:
        SecretWrongError: It was sealed with another encryption key.
        KeyInvalidError: The row was altered, or its content was moved here from another row.
    """
    try:
        how = json.loads(row.sealing or "")
        salt, nonce, check = (bytes.fromhex(how[name]) for name in ("salt", "nonce", "check"))
        key, expected = _derive(encryption_key.reveal_bytes(), how["stretching"], salt)
    except (ValueError, KeyError, TypeError):
        raise KeyInvalidError(
            f"{subject}: its row does not say in a supported format how the key is sealed",
            hint="upgrade anchorhold-db, or restore the row from a backup",
        ) from None
    if not hmac.compare_digest(check, expected):
        raise SecretWrongError(
            f"{subject}: the encryption key is wrong", hint="give the one that the key was sealed with"
        )
    try:
        return Secret(AESGCM(key).decrypt(nonce, row.content.reveal_bytes(), _identity(row)))
    except (InvalidTag, ValueError):
        raise KeyInvalidError(
            f"{subject}: its row was altered, or belongs to another key", hint="restore it from a backup"
        ) from None


def _identity(row: StoredKey) -> bytes:
    """What a sealed content is bound to: it opens in no other row, and beside no other public key."""
    return b"\0".join((_PURPOSE, row.key_id.hex().encode(), row.public_key))


def _derive(encryption_key: bytes, stretching: str, salt: bytes) -> tuple[bytes, bytes]:
    """The key of the cipher and the check value."""
    root = _STRETCHING[stretching](encryption_key, salt)
    derived = HKDF(hashes.SHA256(), _CIPHER_KEY + _CHECK, salt, _PURPOSE).derive(root)
    return derived[:_CIPHER_KEY], derived[_CIPHER_KEY:]
