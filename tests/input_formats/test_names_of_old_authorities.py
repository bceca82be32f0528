"""Names of authorities as old programs encode them: read, and repeated octet by octet in what these issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import Order
from anchorhold.x509.ber import read_one, sequence
from anchorhold.x509.certificates import load_certificate
from anchorhold.x509.der import tlv
from anchorhold.x509.lenient_certificates import LenientCertificate, subject_octets
from anchorhold.x509.names import format_name
from anchorhold.x509.pem import pem_of
from conformance.chains import installation_in
from input_formats import made
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold import Installation
    from conftest import MakeCsr

_CN, _O = "2.5.4.3", "2.5.4.10"
CA: Final = (
    made.extension("2.5.29.19", sequence(tlv(1, b"\xff")), tlv(1, b"\xff")),
    made.extension("2.5.29.15", tlv(3, b"\x01\x06"), tlv(1, b"\xff")),
)
BMP, UNIVERSAL, GENERAL, NUMERIC = 0x1E, 0x1C, 0x1B, 0x12


def named(tag: int, value: bytes) -> bytes:
    """A name with an organisation in that string type."""
    return made.name(made.attribute(_O, tag, value), made.attribute(_CN, made.PRINTABLE, b"Old CA"))


READ: Final = {
    "Latin-1 in T61": (named(made.T61, "Müller".encode("latin-1")), "CN=Old CA,O=Müller"),
    "ASCII in T61": (named(made.T61, b"Mueller"), "CN=Old CA,O=Mueller"),
    "an ampersand": (named(made.PRINTABLE, b"Smith & Sons"), "CN=Old CA,O=Smith & Sons"),
    "a star": (named(made.PRINTABLE, b"*.example.com"), "CN=Old CA,O=*.example.com"),
    "an at sign": (named(made.PRINTABLE, b"ca@example.com"), "CN=Old CA,O=ca@example.com"),
    "an underscore": (named(made.PRINTABLE, b"my_ca"), "CN=Old CA,O=my_ca"),
    "Latin-1 in PrintableString": (named(made.PRINTABLE, "Möller".encode("latin-1")), "CN=Old CA,O=Möller"),
    "Latin-1 in IA5String": (named(made.IA5, "Miller ü".encode("latin-1")), "CN=Old CA,O=Miller ü"),
    "Latin-1 in UTF8String": (named(made.UTF8, "Müller".encode("latin-1")), r"CN=Old CA,O=M\\xfcller"),
    "letters in NumericString": (named(NUMERIC, b"12a"), "CN=Old CA,O=12a"),
    "a GeneralString": (named(GENERAL, b"General"), "CN=Old CA,O=General"),
    "a BMPString": (named(BMP, "Mü".encode("utf-16-be")), "CN=Old CA,O=Mü"),
    "half a letter in BMPString": (named(BMP, b"\0a\0"), r"CN=Old CA,O=a\\x00"),
    "a UniversalString": (named(UNIVERSAL, "Üm".encode("utf-32-be")), "CN=Old CA,O=Üm"),
    "a set out of order": (
        sequence(tlv(0x31, made.attribute(_O, made.UTF8, b"b") + made.attribute(_CN, made.UTF8, b"a"))),
        "CN=a+O=b",
    ),
}
"""Names, each with what is read there."""
NOT_BY_OPENSSL: Final = {"Latin-1 in UTF8String", "a GeneralString", "half a letter in BMPString"}
"""Those that it does not read."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation_in(tmp_path_factory.mktemp("old")) as installation:
        yield installation


def issuer_of(der: bytes, number: int = 3) -> bytes:
    """The issuer's name in what was signed."""
    return read_one(der).member(0).member(number).raw


@pytest.mark.parametrize(("name", "text"), READ.values(), ids=READ)
def test_what_is_issued_repeats_the_name_octet_by_octet(
    name: bytes, text: str, house: Installation, make_csr: MakeCsr, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """RFC 5280, section 7.1 has names compared; some programs compare their octets."""
    title, der = request.node.callspec.id, made.certificate(name, *CA)
    certificate = load_certificate(der)
    assert certificate.public_bytes(Encoding.DER) == der
    assert format_name(certificate.subject) == text
    authority = house.authorities.import_(title, certificate, made.KEY)
    below = house.authorities.create(f"below {title}", "CN=Below", parent=authority)
    with house.certificates.issuer(title) as issuer:
        leaf = issuer.sign(Order(csr=make_csr(), names=["a.example.com"]))
    (crl,) = house.crls.generate(authority)
    responder = house.responders.renew(authority)
    assert subject_octets(certificate) == name
    assert {
        issuer_of(leaf.der),
        issuer_of(below.record.certificate or b""),
        issuer_of(responder.certificate or b""),
        issuer_of(crl.der, 2),
    } == {name}
    assert format_name(leaf.certificate.issuer) == text
    if title in NOT_BY_OPENSSL:
        return
    (tmp_path / "ca.pem").write_text(pem_of(der) + pem_of(crl.der, "X509 CRL"))
    for one in (leaf.der, below.record.certificate or b"", responder.certificate or b""):
        (tmp_path / "one.pem").write_text(pem_of(one))
        assert openssl("verify", "-crl_check", "-CAfile", tmp_path / "ca.pem", tmp_path / "one.pem").endswith(": OK\n")


@pytest.mark.parametrize("title", ["Latin-1 in T61", "an ampersand"])
def test_names_within_extensions_are_read_too(title: str) -> None:
    """As openssl has long put the issuer's name there, in the authority key identifier."""
    name = READ[title][0]
    place = sequence(tlv(0xA1, tlv(0xA4, name)), tlv(0x82, b"\7"))
    der = made.certificate(made.DEVICE, *CA, made.extension("2.5.29.35", place))
    certificate = load_certificate(der)
    assert isinstance(certificate, LenientCertificate)
    assert len(certificate.extensions) == 3
    assert certificate.tbs_certificate_bytes in der
