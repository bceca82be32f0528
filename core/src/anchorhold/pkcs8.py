"""Private keys as files have them: PKCS#8 (RFC 5958), plain or encrypted."""

from __future__ import annotations

import base64
import os
import textwrap
from typing import TYPE_CHECKING, Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509 import ObjectIdentifier

from anchorhold.errors import KeyInvalidError, SecretMissingError, SecretWrongError
from anchorhold.publickeys import spec_of
from anchorhold.secret import Secret

if TYPE_CHECKING:
    from anchorhold.softkeys import PrivateKey

PBKDF2_ITERATIONS: Final = 600_000
"""Iterations of PBKDF2-HMAC-SHA256 for encrypted keys (OWASP Password Storage Cheat Sheet, 2023)."""
DRAWN_ITERATIONS: Final = 1_000
"""The same with a random password, where there is nothing to guess: as few as a FIPS module takes (NIST SP 800-132)."""


def dump_pkcs8(key: PrivateKey, password: Secret | None = None) -> Secret:
    """The key as PEM PKCS#8 (RFC 5958), encrypted if a password is given.

    Encryption is PBES2 (RFC 8018) with AES-256-CBC and `PBKDF2_ITERATIONS` rounds, or `DRAWN_ITERATIONS` if the
    password was drawn at random, which openssl and Java read. (`cryptography`'s own writer stops at 2,048 rounds.)
    """
    if password is None:
        return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return Secret(_pem("ENCRYPTED PRIVATE KEY", _encrypt(der, password)))


def load_private_key(data: bytes, password: Secret | None, subject: str) -> PrivateKey:
    """Read a private key: PEM or DER, PKCS#8 or the older forms that ``cryptography`` knows.

    RSA keys are not validated here, which takes up to a second: whoever uses the key compares its public
    half and verifies every signature.

    Args:
        data: The file's content.
        password: None if the key is expected to be plain.
        subject: What the key is, for the messages.

    Raises:
        SecretMissingError: The key is encrypted and there is no password.
        SecretWrongError: The password does not decrypt the key.
        KeyInvalidError: Not a private key.
        KeyUnsupportedError: A key of a type or curve that anchorhold does not use.
    """
    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    encrypted = is_encrypted(data)
    if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data and not _is_complete(data):
        raise KeyInvalidError(f"{subject}: the key is cut short or damaged", hint="restore it from a backup")
    if encrypted and not password:
        raise SecretMissingError(f"{subject}: the key is encrypted", hint="give its password")
    revealed = password.reveal_bytes() if encrypted and password else None
    try:
        key = load(data, revealed, unsafe_skip_rsa_key_validation=True)
    except (ValueError, UnsupportedAlgorithm):
        if encrypted:
            raise SecretWrongError(
                f"{subject}: the password is wrong", hint="give the one it was encrypted with"
            ) from None
        raise KeyInvalidError(f"{subject}: not a private key that can be read", hint="give a PEM or DER key") from None
    spec_of(key.public_key())
    return cast("PrivateKey", key)


def is_encrypted(data: bytes) -> bool:
    """Whether a private key, in PEM or DER, is encrypted."""
    if b"-----BEGIN" in data:
        return b"ENCRYPTED" in data
    try:
        asn1.decode_der(_EncryptedPrivateKeyInfo, data)
    except ValueError:
        return False
    return True


def _is_complete(pem: bytes) -> bool:
    """Whether the framing of an encrypted key holds; a damaged one looks like a wrong password."""
    body = pem.partition(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")[2].partition(b"-----END ENCRYPTED PRIVATE KEY-----")
    try:
        asn1.decode_der(_EncryptedPrivateKeyInfo, base64.b64decode(b"".join(body[0].split()), validate=True))
    except ValueError:
        return False
    return bool(body[1])


@asn1.sequence
class _Pbkdf2Prf:
    algorithm: ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class _Pbkdf2Params:
    salt: bytes
    iterations: int
    prf: _Pbkdf2Prf


@asn1.sequence
class _Pbkdf2:
    algorithm: ObjectIdentifier
    parameters: _Pbkdf2Params


@asn1.sequence
class _AesCbc:
    algorithm: ObjectIdentifier
    iv: bytes


@asn1.sequence
class _Pbes2Params:
    key_derivation: _Pbkdf2
    encryption: _AesCbc


@asn1.sequence
class _Pbes2:
    algorithm: ObjectIdentifier
    parameters: _Pbes2Params


@asn1.sequence
class _AnyAlgorithm:
    algorithm: ObjectIdentifier
    parameters: asn1.TLV


@asn1.sequence
class _EncryptedPrivateKeyInfo:
    algorithm: _AnyAlgorithm
    data: bytes


@asn1.sequence
class _Pbes2PrivateKeyInfo:
    algorithm: _Pbes2
    data: bytes


def _encrypt(der: bytes, password: Secret) -> bytes:
    salt, iv = os.urandom(16), os.urandom(16)
    iterations = DRAWN_ITERATIONS if password.drawn else PBKDF2_ITERATIONS
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, iterations).derive(password.reveal_bytes())
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(padder.update(der) + padder.finalize()) + encryptor.finalize()
    hmac_sha256 = _Pbkdf2Prf(algorithm=ObjectIdentifier("1.2.840.113549.2.9"), parameters=asn1.Null())
    pbkdf2 = _Pbkdf2(
        algorithm=ObjectIdentifier("1.2.840.113549.1.5.12"),
        parameters=_Pbkdf2Params(salt=salt, iterations=iterations, prf=hmac_sha256),
    )
    aes_256_cbc = _AesCbc(algorithm=ObjectIdentifier("2.16.840.1.101.3.4.1.42"), iv=iv)
    pbes2 = _Pbes2(
        algorithm=ObjectIdentifier("1.2.840.113549.1.5.13"),
        parameters=_Pbes2Params(key_derivation=pbkdf2, encryption=aes_256_cbc),
    )
    return asn1.encode_der(_Pbes2PrivateKeyInfo(algorithm=pbes2, data=sealed))


def _pem(label: str, der: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()
