"""What a profile's rules copy from a request: the things they name, and nothing beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from anchorhold import Order, open_installation
from anchorhold.errors import NameForbiddenError, RequestInvalidError
from conformance.chains import request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold import Installation, Issued

pytestmark = pytest.mark.usefixtures("database")

SETTINGS: Final = """
[profiles.whole]
copy = { subject = true, alt = ["DNS", "IP", "email", "URI"] }

[profiles.parts]
subject = "O=Example"
copy = { subject = ["CN", "O", "serialNumber"] }

[profiles.below]
copy = { alt = ["DNS:tenant.example", "IP:192.0.2.0/24", "email:example.com"] }

[profiles.purposes]
extended_key_usage = ["serverAuth"]
copy = { extended_key_usage = ["clientAuth", "1.3.6.1.4.1.99999.5"] }

[profiles.extensions]
copy = { extensions = ["tlsfeature", "1.3.6.1.4.1.99999.1"] }

[profiles.staple]
tls_features = ["status_request_v2"]
copy = { extensions = ["tlsfeature"] }
"""
ASKED: Final = (
    *("-addext", "subjectAltName=DNS:a.tenant.example,DNS:b.other.example,IP:192.0.2.7,IP:198.51.100.1,URI:x://y"),
    *("-addext", "extendedKeyUsage=clientAuth,codeSigning,1.3.6.1.4.1.99999.5"),
    *("-addext", "tlsfeature=status_request"),
    *("-addext", "1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:seven"),
    *("-addext", "1.3.6.1.4.1.99999.2=ASN1:UTF8String:eight"),
    *("-addext", "basicConstraints=critical,CA:TRUE"),
    *("-addext", "keyUsage=critical,keyCertSign"),
)
SUBJECT: Final = "/C=AT/O=Asked/serialNumber=42/CN=asked.example"


@pytest.fixture
def ruled(tmp_path: Path) -> Iterator[Installation]:
    """An installation with these profiles, and a root."""
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS)
    with open_installation(config) as opened:
        opened.authorities.create("Root", "CN=Root")
        yield opened


def sign(installation: Installation, profile: str, csr: bytes | None = None, **order: object) -> Issued:
    """A certificate for a request that asks for too much."""
    wanted = {"csr": csr or request("P-256", *ASKED, subject=SUBJECT), "profile": profile, **order}
    with installation.certificates.issuer("Root") as issuer:
        return issuer.sign(Order(**wanted))  # type: ignore[arg-type]


def names(issued: Issued) -> list[str]:
    """The values of its alternative names."""
    found = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in found.value]


def test_whole_subject_and_kinds_of_names(ruled: Installation) -> None:
    issued = sign(ruled, "whole")
    assert issued.certificate.subject.rfc4514_string({}) == (
        "CN=asked.example,2.5.4.5=42,O=Asked,C=AT"  # the serial number has no short name in RFC 4514
    )
    assert names(issued) == ["a.tenant.example", "b.other.example", "192.0.2.7", "198.51.100.1", "x://y"]


def test_parts_of_the_subject_come_after_the_profile_which_is_stronger(ruled: Installation) -> None:
    issued = sign(ruled, "parts")
    assert [(found.rfc4514_attribute_name, found.value) for found in issued.certificate.subject] == [
        ("O", "Example"),
        ("2.5.4.5", "42"),
        ("CN", "asked.example"),
    ]
    assert any(words.startswith("the subject") for words in issued.not_granted)


def test_names_in_subtrees_only_beside_those_that_were_ordered(ruled: Installation) -> None:
    issued = sign(ruled, "below", names=["DNS:given.example"])
    assert names(issued) == ["given.example", "a.tenant.example", "192.0.2.7"]
    assert issued.certificate.subject.rfc4514_string() == "CN=given.example"
    assert {"DNS:b.other.example", "IP:198.51.100.1", "URI:x://y"} <= set(issued.not_granted)
    assert "DNS:a.tenant.example" not in issued.not_granted


def test_purposes_that_are_named_join_those_of_the_profile(ruled: Installation) -> None:
    issued = sign(ruled, "purposes", names=["www.example.com"])
    purposes = issued.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        x509.ObjectIdentifier("1.3.6.1.4.1.99999.5"),
    ]
    assert "the extension extendedKeyUsage" in issued.not_granted  # code signing is missing


def test_extensions_that_are_named_are_taken_as_they_are_and_no_other(ruled: Installation) -> None:
    issued = sign(ruled, "extensions", names=["www.example.com"])
    held = {found.oid.dotted_string: found for found in issued.certificate.extensions}
    taken = held["1.3.6.1.4.1.99999.1"]
    assert (taken.critical, taken.value) == (True, x509.UnrecognizedExtension(taken.oid, b"\x0c\x05seven"))
    assert list(held[x509.TLSFeature.oid.dotted_string].value) == [x509.TLSFeatureType.status_request]
    assert "1.3.6.1.4.1.99999.2" not in held
    assert not held[x509.BasicConstraints.oid.dotted_string].value.ca
    assert {"the extension 1.3.6.1.4.1.99999.2", "the extension basicConstraints"} <= set(issued.not_granted)
    assert "the extension 1.3.6.1.4.1.99999.1" not in issued.not_granted


def test_an_extension_of_the_profile_is_stronger_than_one_to_be_copied(ruled: Installation) -> None:
    issued = sign(ruled, "staple", names=["www.example.com"])
    features = issued.certificate.extensions.get_extension_for_class(x509.TLSFeature).value
    assert list(features) == [x509.TLSFeatureType.status_request_v2]


def test_names_that_are_copied_keep_to_the_constraints_of_the_authority(ruled: Installation) -> None:
    ruled.authorities.create("Narrow", "CN=Narrow", permitted=["DNS:tenant.example"])
    order = Order(csr=request("P-256", *ASKED, subject="/"), profile="whole")
    with ruled.certificates.issuer("Narrow") as issuer, pytest.raises(NameForbiddenError, match=r"b\.other\.example"):
        issuer.sign(order)


def test_an_extension_that_is_not_der_is_refused(ruled: Installation) -> None:
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x0c\x05six")
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(broken, critical=False)
    csr = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    named = r"1\.3\.6\.1\.4\.1\.99999\.1 is not DER"
    with pytest.raises(RequestInvalidError, match=named), ruled.certificates.issuer("Root") as issuer:
        issuer.sign(Order(csr=csr, names=["www.example.com"], profile="extensions"))
    assert [record.profile for record in ruled.certificates.list()] == ["authority"]
