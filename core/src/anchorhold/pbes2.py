"""Decrypting PKCS#8 (PBES2, RFC 8018), for keys in forms that ``cryptography`` does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from anchorhold.x509.ber import INTEGER, OCTET_STRING, SEQUENCE, BerError, read_one

if TYPE_CHECKING:
    from anchorhold.secret import Secret

_PBES2: Final = "1.2.840.113549.1.5.13"
_PBKDF2: Final = "1.2.840.113549.1.5.12"
_PRFS: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.113549.2.7": hashes.SHA1(),  # noqa: S303  # the default of RFC 8018, appendix A.2; others have chosen
    "1.2.840.113549.2.9": hashes.SHA256(),
    "1.2.840.113549.2.10": hashes.SHA384(),
    "1.2.840.113549.2.11": hashes.SHA512(),
}
_AES_CBC: Final = {"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32}
"""Lengths of keys, in octets."""


def decrypt(der: bytes, password: Secret) -> bytes:
    """The PrivateKeyInfo in an EncryptedPrivateKeyInfo: PBKDF2 and AES-CBC, which everybody writes today.

    Raises:
        BerError: It is encrypted in another way, or badly encoded.
        ValueError: The password does not fit.
    """
    whole = read_one(der)
    scheme = whole.member(0, SEQUENCE)
    if scheme.member(0).oid.dotted_string != _PBES2:
        raise BerError("it is not encrypted with PBES2")
    derivation, cipher = (scheme.member(1, SEQUENCE).member(number, SEQUENCE) for number in (0, 1))
    size = _AES_CBC.get(cipher.member(0).oid.dotted_string)
    if derivation.member(0).oid.dotted_string != _PBKDF2 or size is None:
        raise BerError("it is not encrypted with PBKDF2 and AES-CBC")
    given = derivation.member(1, SEQUENCE).members
    salt, rounds = given[0].octets, derivation.member(1).member(1, INTEGER).integer
    prf = next((each.member(0).oid.dotted_string for each in given[2:] if each.tag == SEQUENCE), "1.2.840.113549.2.7")
    if prf not in _PRFS:
        raise BerError("it is encrypted with a hash that is not known")
    key = PBKDF2HMAC(_PRFS[prf], size, salt, rounds).derive(password.reveal_bytes())
    decryptor = Cipher(algorithms.AES(key), modes.CBC(cipher.member(1, OCTET_STRING).content)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    padded = decryptor.update(whole.member(1, OCTET_STRING).content) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
