"""What a file with a private key has that a program may refuse; no password is asked for."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from anchorhold.advice.features import Feature
from anchorhold.parser_errors import attempt
from anchorhold.pkcs8 import as_plain_octets, check_is_key, is_encrypted, load_private_key
from anchorhold.public_keys import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PUBLIC: Final = b"-----BEGIN PUBLIC KEY-----"
_ENCRYPTED: Final = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END")
_OUR_ENCRYPTION: Final = tuple(
    map(bytes.fromhex, ("06092a864886f70d01050d", "06082a864886f70d0209", "060960864801650304012a"))
)
"""Object identifiers of PBES2, HMAC-SHA256 and AES-256-CBC (RFC 8018, appendices A.4, B.1.2 and B.2.5)."""


def of_key_file(content: bytes, subject: str) -> list[Feature]:
    """What programs were tried with, of this file.

    Args:
        content: Of the file, PEM or DER.
        subject: What to call it in messages.

    Raises:
        AnchorholdError: It holds no private key.
    """
    check_is_key(content, subject)
    content = as_plain_octets(content)
    return [Feature("key file", what) for what in _found(content, subject)]


def _found(content: bytes, subject: str) -> Iterator[str]:
    encrypted, behind = is_encrypted(content), _PUBLIC in content
    if encrypted:
        yield "encryption with PBES2" if _is_as_measured(content) else "encryption of another kind"
    kind = None
    if not encrypted:
        kind = spec_of(load_private_key(content, None, subject).public_key()).type
    elif behind:
        public, _ = attempt(lambda: load_pem_public_key(content[content.index(_PUBLIC) :]))
        kind = None if public is None else spec_of(public).type
    if encrypted and kind is not None:
        yield f"encrypted {kind} key"
    elif kind is not None:
        yield f"{kind} key"
    if behind:
        yield "PUBLIC KEY block behind the private key"


def _is_as_measured(content: bytes) -> bool:
    """Whether it is encrypted as our own files are."""
    body = _ENCRYPTED.search(content)
    der, _ = (content, None) if body is None else attempt(lambda: b64decode(body[1]))
    return der is not None and all(oid in der for oid in _OUR_ENCRYPTION)
