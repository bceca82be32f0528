"""Keys by which peers and workers sign their messages: Ed25519 (RFC 8032), in files of PEM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_MAKE = "make one with: openssl genpkey -algorithm ed25519"
_PUBLISH = "make it from the private key on the other host with: openssl pkey -in KEY -pubout"


def private_key(path: Path, subject: str) -> Ed25519PrivateKey:
    """The private key in a file.

    Args:
        path: PKCS#8 in PEM, not encrypted.
        subject: What it is for, for messages.

    Raises:
        SettingsError: It cannot be read, or is another kind of key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(_content(path, subject), None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise SettingsError(f"{subject}: {path} is no private Ed25519 key in PEM without password", hint=_MAKE)
    return found


def public_keys(paths: Iterable[Path], subject: str) -> tuple[Ed25519PublicKey, ...]:
    """The public keys in files.

    Args:
        paths: SubjectPublicKeyInfo in PEM, each.
        subject: What they are for, for messages.

    Raises:
        SettingsError: One cannot be read, or is another kind of key.
    """
    return tuple(_public_key(path, subject) for path in paths)


def _public_key(path: Path, subject: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(_content(path, subject))
    except ValueError:
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise SettingsError(f"{subject}: {path} is no public Ed25519 key in PEM", hint=_PUBLISH)
    return found


def _content(path: Path, subject: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{subject}: {path} cannot be read ({error.strerror})", hint="check its path") from error
