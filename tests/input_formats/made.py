"""A small writer of DER, for requests, certificates and keys that no library makes."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509 import ObjectIdentifier

from anchorhold.x509.ber import sequence
from anchorhold.x509.der import tlv

KEY = ec.derive_private_key(0x1CE, ec.SECP256R1())
KEY_INFO = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
KEY_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
UTF8, PRINTABLE, T61, IA5 = 0x0C, 0x13, 0x14, 0x16


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    arcs = [int(arc) for arc in ObjectIdentifier(dotted).dotted_string.split(".")]
    octets = b""
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        part = [arc & 0x7F]
        while arc := arc >> 7:
            part.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(part))
    return tlv(6, octets)


ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"))


def attribute(kind: str, tag: int, value: bytes) -> bytes:
    """An attribute of a name."""
    return sequence(oid(kind), tlv(tag, value))


def name(*attributes: bytes) -> bytes:
    """A name, one attribute to a set."""
    return sequence(*(tlv(0x31, each) for each in attributes))


DEVICE = name(attribute("2.5.4.3", UTF8, b"dev.example.com"))


def extension(kind: str, value: bytes, critical: bytes = b"") -> bytes:
    """An extension; critical is what stands for it, such as FALSE written out."""
    return sequence(oid(kind), critical, tlv(4, value))


SAN = extension("2.5.29.17", sequence(tlv(0x82, b"dev.example.com")))


def asked(*extensions: bytes, kind: str = "1.2.840.113549.1.9.14") -> bytes:
    """An attribute that asks for extensions."""
    return sequence(oid(kind), tlv(0x31, sequence(*extensions)))


def request(
    subject: bytes = DEVICE,
    attributes: bytes | None = b"",
    *,
    version: int = 0,
    key_info: bytes = KEY_INFO,
    algorithm: bytes = ECDSA_SHA256,
) -> bytes:
    """A request with a right signature; None for no attributes at all."""
    rest = b"" if attributes is None else tlv(0xA0, attributes)
    info = sequence(tlv(2, bytes([version])), subject, key_info, rest)
    return sequence(info, algorithm, tlv(3, b"\0" + KEY.sign(info, ec.ECDSA(hashes.SHA256()))))


def certificate(
    subject: bytes = DEVICE,
    *extensions: bytes,
    version: int = 2,
    serial: bytes = b"\7",
    issuer: bytes | None = None,
    key_info: bytes = KEY_INFO,
) -> bytes:
    """A certificate, self-signed unless it has another issuer and key."""
    validity = sequence(tlv(0x17, b"200101000000Z"), tlv(0x17, b"391231235959Z"))
    number = tlv(0xA0, tlv(2, bytes([version])))
    rest = tlv(0xA3, sequence(*extensions)) if extensions else b""
    tbs = sequence(number, tlv(2, serial), ECDSA_SHA256, issuer or subject, validity, subject, key_info, rest)
    return sequence(tbs, ECDSA_SHA256, tlv(3, b"\0" + KEY.sign(tbs, ec.ECDSA(hashes.SHA256()))))
