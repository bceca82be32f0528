"""What old programs wrote into certificates beside RFC 5280 is recorded all the same, and no authority has it."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anchorhold.errors import CertificateInvalidError
from anchorhold.x509.ber import read_one, sequence
from anchorhold.x509.certificates import load_certificate
from anchorhold.x509.der import tlv
from anchorhold.x509.lenient_values import decode_time

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")]).public_bytes()
ECDSA = bytes.fromhex("300a06082a8648ce3d040302")
VERSION_3 = b"\xa0\x03\x02\x01\x02"
DATE = tlv(0x17, b"200101000000Z")
ODD = {
    "dates without seconds": {"end": tlv(0x17, b"3001010000Z")},
    "dates with offsets": {"end": tlv(0x17, b"300101000000+0200")},
    "fractions of seconds": {"end": tlv(0x18, b"20300101000000.5Z")},
    "a serial number with needless octets": {"serial": b"\x02\x03\x00\x00\x99"},
    "version 1 written out": {"version": b"\xa0\x03\x02\x01\x00"},
    "version 2": {"version": b"\xa0\x03\x02\x01\x01"},
    "version 4": {"version": b"\xa0\x03\x02\x01\x03"},
}


def certificate(*, version: bytes = VERSION_3, serial: bytes = b"\x02\x02\x00\x99", end: bytes = DATE) -> bytes:
    """A self-signed certificate of those parts, in DER but for them."""
    info = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tbs = sequence(version, serial, ECDSA, NAME, sequence(DATE, end), NAME, info)
    return sequence(tbs, ECDSA, tlv(0x03, b"\0" + KEY.sign(tbs, ec.ECDSA(SHA256()))))


@pytest.mark.parametrize("what", ODD)
def test_it_is_read_where_it_is_only_recorded(what: str) -> None:
    octets = certificate(**ODD[what])
    read = load_certificate(octets, lenient=True)
    assert (read.serial_number, read.public_bytes(Encoding.DER)) == (0x99, octets)
    with pytest.raises(CertificateInvalidError):
        load_certificate(octets)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (tlv(0x17, b"9912312359Z"), tlv(0x17, b"991231235900Z")),
        (tlv(0x17, b"200101000000+0230"), tlv(0x17, b"191231213000Z")),
        (tlv(0x18, b"2020010100Z"), tlv(0x17, b"200101000000Z")),
        (tlv(0x18, b"20500101000000-0100"), tlv(0x18, b"20500101010000Z")),
        (tlv(0x18, b"19000101000000Z"), tlv(0x18, b"19000101000000Z")),
    ],
)
def test_a_moment_stays_the_same(written: bytes, meant: bytes) -> None:
    assert decode_time(read_one(written)) == meant


@pytest.mark.parametrize("date", [b"20300101000000", b"20300231000000Z", b"20300101000000+9900", b"", b"next week"])
def test_what_is_no_moment_is_refused(date: bytes) -> None:
    with pytest.raises(CertificateInvalidError):
        load_certificate(certificate(end=tlv(0x18, date)), lenient=True)
