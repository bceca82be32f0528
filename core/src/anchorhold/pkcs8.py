"""Private keys as files have them: PKCS#8 (RFC 5958), plain or encrypted."""

from __future__ import annotations

import base64
import os
import re
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

from anchorhold.errors import KeyInvalidError, KeyUnsupportedError, SecretMissingError, SecretWrongError
from anchorhold.ml_dsa_keys import load_ml_dsa
from anchorhold.parser_errors import attempt, cause_of
from anchorhold.pbes2 import Decrypted, decrypt
from anchorhold.public_keys import spec_of
from anchorhold.secret import Secret
from anchorhold.x509.ber import BerError
from anchorhold.x509.file_formats import PKCS12, PRIVATE_KEY, UNKNOWN, FileError, as_text, blocks
from anchorhold.x509.kdf_cost import MAX_ITERATIONS, check_kdf_cost
from anchorhold.x509.pem import pem_of
from anchorhold.x509.unsupported_formats import recognise_format

if TYPE_CHECKING:
    from anchorhold.errors import AnchorholdError
    from anchorhold.software_keys import PrivateKey

PBKDF2_ITERATIONS: Final = 600_000
"""Iterations of PBKDF2-HMAC-SHA256 for encrypted keys (OWASP Password Storage Cheat Sheet, 2023)."""
RANDOM_SECRET_ITERATIONS: Final = 1_000
"""The same with a random password, where there is nothing to guess: as few as a FIPS module takes (NIST SP 800-132)."""

_OWN_FORM: Final = (b"-----BEGIN PRIVATE KEY-----\n", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
"""How PKCS#8 in PEM begins where we write it (RFC 7468, sections 10 and 11)."""
_PLAIN_KEY: Final = re.compile(rb"-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END PRIVATE KEY-----")

_ENDS: Final = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_PBES2: Final = ObjectIdentifier("1.2.840.113549.1.5.13")
_PBKDF2: Final = ObjectIdentifier("1.2.840.113549.1.5.12")
_AS_PBES2: Final = "write the key again as PKCS#8, with PBES2 and AES: `openssl pkcs8 -topk8 -v2 aes256`"
_INSTEAD: Final = {PKCS12: "it has the certificate in it, too: give no other file with it"}


def dump_pkcs8(key: PrivateKey, password: Secret | None = None) -> Secret:
    """The key as PEM PKCS#8 (RFC 5958), encrypted if a password is given.

    Encryption is PBES2 (RFC 8018) with AES-256-CBC and `PBKDF2_ITERATIONS` rounds, or `RANDOM_SECRET_ITERATIONS` if the
    password was drawn at random, which openssl and Java read. (`cryptography`'s own writer stops at 2,048 rounds.)
    """
    if password is None:
        return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return Secret(pem_of(_encrypt(der, password), "ENCRYPTED PRIVATE KEY"))


def load_private_key(data: bytes, password: Secret | None, subject: str) -> PrivateKey:
    """Read a private key: PEM or DER, PKCS#8 or the older forms that ``cryptography`` knows.

    RSA keys are not validated here, which takes up to a second: the code that uses the key compares its public
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
    if not (data.startswith(_OWN_FORM) and _ENDS.search(data)):  # as we do not write keys
        data = as_plain_octets(data)
        check_is_key(data, subject)
    encrypted = _is_encrypted(data)
    der = _encrypted_der(data, subject) if encrypted else None
    if encrypted and not password:
        raise SecretMissingError(f"{subject}: the key is encrypted", hint="give its password")
    revealed = password.reveal_bytes() if encrypted and password else None
    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    read, error = attempt(lambda: load(data, revealed, unsafe_skip_rsa_key_validation=True))
    if read is None:
        decrypted = attempt(lambda: decrypt(der, password))[0] if der is not None and password else None
        read = _load_other_form(data, decrypted, subject)
        if read is None:  # what the error comes from may have octets of the key
            raise _unreadable(subject, data, encrypted, error or ValueError(), decrypted) from None
    key = cast("PrivateKey", read)
    spec_of(key.public_key())
    return key


def is_encrypted(data: bytes) -> bool:
    """Whether a private key, in PEM or DER, is encrypted."""
    return _is_encrypted(data if data.startswith(_OWN_FORM) else as_plain_octets(data))


def _is_encrypted(data: bytes) -> bool:
    if b"-----BEGIN" in data:
        return b"ENCRYPTED" in data
    try:
        asn1.decode_der(_EncryptedPrivateKeyInfo, data)
    except ValueError:
        return False
    return True


def as_plain_octets(data: bytes) -> bytes:
    """The content of a file without byte-order mark, as ASCII where it is UTF-16; DER as such, also if it is in base64.

    What is neither PEM nor DER comes back as it is.
    """
    data = as_text(data)
    if b"-----BEGIN" in data or not data:
        return data
    try:
        return blocks(data)[0].der
    except FileError:
        return data


def _encrypted_der(data: bytes, subject: str) -> bytes | None:
    """The encrypted key in DER; None for the older form, in which PEM has headers.

    A damaged one would look like a wrong password, and one that asks for absurd work would never end.
    """
    der: bytes | None = data
    try:
        if b"-----BEGIN" in data:
            der = _body(data) if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data else None
        if der is not None and not _is_usual(der):
            asn1.decode_der(_EncryptedPrivateKeyInfo, der)
            check_kdf_cost(der)
    except BerError as error:
        raise KeyInvalidError(f"{subject}: the key {error}", hint="encrypt it again, with fewer") from error
    except ValueError as error:
        raise KeyInvalidError(
            f"{subject}: the key is cut short or damaged ({cause_of(error)})", hint="restore it from a backup"
        ) from error
    return der


def _is_usual(der: bytes) -> bool:
    """Whether a key is encrypted as `dump_pkcs8` does it, whatever the rounds up to the limit.

    There is one place for the rounds in this form; to read it takes a fifteenth of looking through all values.
    """
    try:
        scheme = asn1.decode_der(_Pbes2PrivateKeyInfo, der).algorithm
    except ValueError:
        return False
    derivation = scheme.parameters.key_derivation
    known = (scheme.algorithm, derivation.algorithm) == (_PBES2, _PBKDF2)
    return known and 0 < derivation.parameters.iterations <= MAX_ITERATIONS


def _body(pem: bytes) -> bytes:
    """What an encrypted key in PEM holds.

    Raises:
        ValueError: It has no end, or is not base64.
    """
    body = pem.partition(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")[2].partition(b"-----END ENCRYPTED PRIVATE KEY-----")
    if not body[1]:
        raise ValueError("its last line is missing")
    return base64.b64decode(b"".join(body[0].split()), validate=True)


def _load_other_form(data: bytes, decrypted: Decrypted | None, subject: str) -> PrivateKey | None:
    """A key that ``cryptography`` does not read, and we do; None if this is none."""
    try:
        if decrypted is not None:
            return load_ml_dsa(decrypted.content, subject)
        found = _PLAIN_KEY.search(data)
        return load_ml_dsa(base64.b64decode(b"".join(found[1].split())) if found else data, subject)
    except ValueError:
        return None


def _unreadable(
    subject: str, data: bytes, encrypted: bool, error: BaseException, decrypted: Decrypted | None
) -> AnchorholdError:
    """What was tried, and what came of it.

    A wrong password looks like a right one in one of 256 tries, where the filling of the last block happens to fit, and
    a damaged last block looks like a wrong password: how it begins tells them apart, where the cipher is ours to try.
    """
    cause = cause_of(error)
    of_password = "password" in cause.lower()
    fits = decrypted.is_begun if decrypted is not None else None
    if fits is False or (fits is None and encrypted and of_password):
        return SecretWrongError(
            f"{subject}: the password is wrong, or the key is damaged",
            hint="give the one it was encrypted with; if it was this one, restore the key from a backup",
        )
    if isinstance(error, UnsupportedAlgorithm) and not encrypted:
        return KeyUnsupportedError(
            f"{subject}: the key is of a type or curve that anchorhold does not support ({cause})",
            hint="use an EC, RSA, Ed25519, Ed448 or ML-DSA key",
        )
    if fits:
        told = "its end does not fit" if of_password else cause
        return KeyInvalidError(
            f"{subject}: the password is correct, but the decrypted content is damaged or not a readable key ({told})",
            hint="restore the key from a backup, or write it again as PKCS#8",
        )
    if encrypted and (isinstance(error, UnsupportedAlgorithm) or "unknown" in cause.lower()):
        return KeyUnsupportedError(
            f"{subject}: the key uses an unsupported encryption ({cause}); its password was not tried",
            hint=_AS_PBES2,
        )
    if encrypted:
        return KeyInvalidError(
            f"{subject}: the key cannot be decrypted with this password, or cannot be read afterwards ({cause})",
            hint=f"check the password; {_AS_PBES2}",
        )
    return KeyInvalidError(f"{subject}: cannot be read as a private key ({cause})", hint="give a PEM or DER key")


def check_is_key(data: bytes, subject: str) -> None:
    """Refuse what is no private key by its form; what may be one is not looked into.

    Raises:
        KeyInvalidError: It is cut short, or something else, which is named.
    """
    data = as_text(data)
    other = recognise_format(data)
    if other is not None:
        raise KeyInvalidError(f"{subject}: is {other.kind}, which is not supported", hint=other.advice)
    begin, end = data.count(b"PRIVATE KEY-----"), len(_ENDS.findall(data))
    if begin and not end:
        raise KeyInvalidError(
            f"{subject}: the key is cut short or damaged (its last line is missing)", hint="restore it from a backup"
        )
    if begin:
        return
    try:
        kind = blocks(data)[0].kind
    except FileError as error:
        raise KeyInvalidError(
            f"{subject}: cannot be read as a private key ({error})", hint="give a PEM or DER key"
        ) from error
    if kind not in (PRIVATE_KEY, UNKNOWN):
        raise KeyInvalidError(
            f"{subject}: is {kind}, not a private key", hint=_INSTEAD.get(kind, "give the private key, as PEM or DER")
        )


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
    iterations = RANDOM_SECRET_ITERATIONS if password.is_random else PBKDF2_ITERATIONS
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, iterations).derive(password.reveal_bytes())
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(padder.update(der) + padder.finalize()) + encryptor.finalize()
    hmac_sha256 = _Pbkdf2Prf(algorithm=ObjectIdentifier("1.2.840.113549.2.9"), parameters=asn1.Null())
    pbkdf2 = _Pbkdf2(
        algorithm=_PBKDF2,
        parameters=_Pbkdf2Params(salt=salt, iterations=iterations, prf=hmac_sha256),
    )
    aes_256_cbc = _AesCbc(algorithm=ObjectIdentifier("2.16.840.1.101.3.4.1.42"), iv=iv)
    pbes2 = _Pbes2(
        algorithm=_PBES2,
        parameters=_Pbes2Params(key_derivation=pbkdf2, encryption=aes_256_cbc),
    )
    return asn1.encode_der(_Pbes2PrivateKeyInfo(algorithm=pbes2, data=sealed))
