"""A private key as a file has it: PKCS#8 (RFC 5958), then the public key, both in PEM (RFC 7468).

With the public key beside it, a key is recognised without its password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from anchorhold.errors import KeyInvalidError
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.public_keys import check_strength, spki
from anchorhold.x509.pem import pem_of

if TYPE_CHECKING:
    from anchorhold.public_keys import PublicKey
    from anchorhold.secret import Secret
    from anchorhold.software_keys import PrivateKey

_PUBLIC: Final = b"-----BEGIN PUBLIC KEY-----"
_END: Final = b"-----END PUBLIC KEY-----"


def key_file(key: PrivateKey, password: Secret | None) -> bytes:
    """The file for a key, encrypted if there is a password."""
    return joined(dump_pkcs8(key, password).reveal_bytes(), spki(key.public_key()))


def joined(pkcs8: bytes, public_key: bytes) -> bytes:
    """The file of its two parts.

    Args:
        pkcs8: The private key in PEM.
        public_key: DER SubjectPublicKeyInfo.
    """
    return pkcs8 + pem_of(public_key, "PUBLIC KEY").encode()


def pkcs8_of(content: bytes) -> bytes:
    """The private part of a file: PKCS#8 in PEM, encrypted or not."""
    return content.partition(_PUBLIC)[0]


def is_whole(content: bytes) -> bool:
    """Whether this is a key file up to its end, and not what a crash has left of one."""
    private, begun, public = content.partition(_PUBLIC)
    return bool(private and begun) and public.rstrip().endswith(_END) and b"\0" not in content


def public_key_of(content: bytes, subject: str) -> PublicKey:
    """The public key in a key file, without any password.

    Args:
        content: Of the file.
        subject: What it is, for messages.

    Raises:
        KeyInvalidError: The file was not written by `key_file`, or is damaged.
    """
    if b"-----BEGIN " not in content:  # such as the page of a web server that answers everything with it
        raise KeyInvalidError(
            f"{subject}: is not a key file",
            hint="check the path in the settings; restore the file from a backup if it was replaced",
        )
    try:
        key = load_pem_public_key(content[content.index(_PUBLIC) :])
    except ValueError as error:
        raise KeyInvalidError(f"{subject}: is not a complete key file", hint="restore it from a backup") from error
    return check_strength(key, subject)
