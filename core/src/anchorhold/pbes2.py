"""Decrypting PKCS#8 (PBES2, RFC 8018), for keys in forms that ``cryptography`` does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

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
_BLOCK: Final = 16


class Decrypted(NamedTuple):
    """What a password makes of an EncryptedPrivateKeyInfo, whether it is the right one or not.

    Attributes:
        padded: The octets, with those that fill the last block.
    """

    padded: bytes

    @property
    def is_begun(self) -> bool:
        """Whether it begins as a PrivateKeyInfo does (RFC 5958, section 2): then the password was the right one.

        By chance that is so once in 2^32: a SEQUENCE no longer than the octets, and a version of 0 or 1.
        """
        octets = self.padded
        if octets[:1] != b"\x30" or len(octets) < 16:
            return False
        more = octets[1] & 0x7F if octets[1] & 0x80 else 0
        length = int.from_bytes(octets[2 : 2 + more], "big") if more else octets[1]
        version = octets[2 + more : 5 + more]
        return 1 <= len(octets) - (2 + more + length) <= _BLOCK and version in (b"\2\1\0", b"\2\1\1")

    @property
    def content(self) -> bytes:
        """The PrivateKeyInfo.

        Raises:
            ValueError: It does not end as it should: the password is wrong, or the end is damaged.
        """
        unpadder = padding.PKCS7(8 * _BLOCK).unpadder()
        return unpadder.update(self.padded) + unpadder.finalize()


def decrypt(der: bytes, password: Secret) -> Decrypted:
    """Decrypt an EncryptedPrivateKeyInfo: PBKDF2 and AES-CBC, which everybody writes today.

    Raises:
        BerError: It is encrypted in another way, or badly encoded.
        ValueError: It is not made of whole blocks.
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
        raise BerError("it is encrypted with an unknown hash")
    key = PBKDF2HMAC(_PRFS[prf], size, salt, rounds).derive(password.reveal_bytes())
    decryptor = Cipher(algorithms.AES(key), modes.CBC(cipher.member(1, OCTET_STRING).content)).decryptor()
    padded = decryptor.update(whole.member(1, OCTET_STRING).content) + decryptor.finalize()
    return Decrypted(padded)
