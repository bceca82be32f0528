"""Certificate signing requests (RFC 2986) that nobody should sign, some of them encoded by hand."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")


def request(subject: Sequence[x509.NameAttribute[str]] = (), alt: Sequence[x509.GeneralName] = ()) -> bytes:
    """A request for a new EC key, DER, well-formed whatever its names are."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if alt:
        builder = builder.add_extension(x509.SubjectAlternativeName(alt), critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)


def rsa_request(bits: int, exponent: int = 65537) -> bytes:
    """A correctly signed request for a new RSA key, DER."""
    key = rsa.generate_private_key(public_exponent=exponent, key_size=bits)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def forged_rsa_request(modulus: int, exponent: int) -> bytes:
    """A request with an RSA key that no library makes; nobody could sign it, so its signature is zeros."""
    numbers = tlv(0x30, integer(modulus) + integer(exponent))
    key = tlv(0x30, _RSA_ENCRYPTION + tlv(0x03, b"\0" + numbers))
    info = tlv(0x30, integer(0) + tlv(0x30, b"") + key + tlv(0xA0, b""))
    return tlv(0x30, info + _SHA256_WITH_RSA + tlv(0x03, bytes(1 + (modulus.bit_length() + 7) // 8)))


def with_flipped_signature(csr: bytes) -> bytes:
    """The request with one bit of its signature wrong, still well-formed."""
    return csr[:-1] + bytes([csr[-1] ^ 1])


def pem(der: bytes, label: str = "CERTIFICATE REQUEST") -> bytes:
    """DER in PEM (RFC 7468)."""
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


def tlv(tag: int, content: bytes) -> bytes:
    """One DER value (X.690, section 8.1)."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def integer(value: int) -> bytes:
    """A DER INTEGER that is not negative."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))
