"""The content of a key file: the private key in PKCS#8 (RFC 5958), then the public key, both in PEM (RFC 7468)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from anchorhold.errors import KeyInvalidError
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.publickeys import check_strength

if TYPE_CHECKING:
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam import Secret
    from anchorhold.softkeys import PrivateKey

_PUBLIC = b"-----BEGIN PUBLIC KEY-----"
_END = b"-----END PUBLIC KEY-----"


def key_file(key: PrivateKey, password: Secret | None) -> bytes:
    """The file for a key, encrypted if there is a password."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return dump_pkcs8(key, password).reveal_bytes() + public


def is_whole(content: bytes) -> bool:
    """Whether this is a key file up to its end, and not what a crash has left of one."""
    private, begun, public = content.partition(_PUBLIC)
    return bool(private and begun) and public.rstrip().endswith(_END) and b"\0" not in content


def public_key_of(content: bytes, path: str) -> PublicKey:
    """The public key in a key file, without any password.

    Raises:
        KeyInvalidError: The file was not written by this backend, or is damaged.
    """
    if b"-----BEGIN " not in content:  # such as the page of a web server that answers everything with it
        raise KeyInvalidError(
            f"{path}: what is there is not a key file",
            hint="check that the URL of the storage leads to it; restore the file from a backup if it was replaced",
        )
    try:
        key = load_pem_public_key(content[content.index(_PUBLIC) :])
    except ValueError as error:
        raise KeyInvalidError(f"{path}: is not a complete key file", hint="restore it from a backup") from error
    return check_strength(key, path)
