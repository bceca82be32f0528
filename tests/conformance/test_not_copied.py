"""What a request asks for beyond the profile is not copied, and is said; what is to be copied is copied exactly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import Order
from conformance.chains import request

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command

GREEDY = (
    *("-addext", "subjectAltName=DNS:asked.example.com,IP:192.0.2.7,email:asked@example.com"),
    *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:3"),
    *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    *("-addext", "extendedKeyUsage=codeSigning"),
    *("-addext", "tlsfeature=status_request"),
    *("-addext", "nameConstraints=permitted;DNS:example.com"),
    *("-addext", "1.2.3.4.5=ASN1:UTF8String:anything"),
)
EXTENSIONS = ["basicConstraints", "keyUsage", "extendedKeyUsage", "tlsfeature", "nameConstraints", "1.2.3.4.5"]
SUBJECT = "the subject CN=asked for,O=Asked,C=AT"
NAMES = ["DNS:asked.example.com", "IP:192.0.2.7", "email:asked@example.com"]


def greedy() -> bytes:
    """A request for all that one should not get by asking."""
    return request("P-256", *GREEDY, subject="/C=AT/O=Asked/CN=asked for")


def sign(installation: Installation, csr: bytes, **order: Any) -> tuple[x509.Certificate, tuple[str, ...]]:
    """The certificate and what was not granted."""
    installation.authorities.create("Root", "CN=Root")
    with installation.certificates.issuer("Root") as issuer:
        issued = issuer.sign(Order(csr=csr, **order))
        return issued.certificate, issued.not_granted


def names_of(certificate: x509.Certificate) -> list[str]:
    """The values of the alternative names."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in found.value]


def test_a_request_gets_exactly_what_one_that_asks_for_nothing_gets(installation: Installation) -> None:
    modest = request("P-256")
    certificate, _ = sign(installation, greedy(), names=["www.example.com"])
    with installation.certificates.issuer("Root") as issuer:
        other = issuer.sign(Order(csr=modest, names=["www.example.com"])).certificate
    own = x509.SubjectKeyIdentifier.oid
    parts, others = (
        [(part.oid, part.critical, part.value) for part in each.extensions if part.oid != own]
        for each in (certificate, other)
    )
    assert parts == others
    assert certificate.subject == other.subject


def test_everything_that_was_not_granted_is_reported(installation: Installation) -> None:
    _, not_granted = sign(installation, greedy(), names=["www.example.com"])
    assert not_granted == (SUBJECT, *NAMES, *(f"the extension {name}" for name in EXTENSIONS))


def test_nothing_is_reported_when_everything_was_granted(installation: Installation) -> None:
    csr = request("P-256", "-addext", "subjectAltName=DNS:www.example.com", subject="/CN=www.example.com")
    _, not_granted = sign(installation, csr, names=["www.example.com"])
    assert not_granted == ()


def test_extensions_that_the_profile_gives_as_they_were_asked_for_are_not_reported(installation: Installation) -> None:
    """Such as openssl's usual request for a server."""
    csr = request(
        "P-256",
        *("-addext", "keyUsage=critical,digitalSignature", "-addext", "basicConstraints=critical,CA:FALSE"),
        *("-addext", "extendedKeyUsage=serverAuth", "-addext", "subjectAltName=DNS:www.example.com"),
        subject="/CN=www.example.com",
    )
    _, not_granted = sign(installation, csr, names=["www.example.com"])
    assert not_granted == ()


@pytest.mark.parametrize(
    ("copied", "given", "subject", "names", "refused"),
    [
        (set(), ["www.example.com"], "CN=www.example.com", ["www.example.com"], [SUBJECT, *NAMES]),
        ({"subject"}, ["www.example.com"], "CN=asked for,O=Asked,C=AT", ["www.example.com"], NAMES),
        (
            {"alt"},
            [],
            "CN=asked.example.com",
            ["asked.example.com", "192.0.2.7", "asked@example.com"],
            [SUBJECT],
        ),
        (
            {"alt"},
            ["www.example.com", "asked.example.com"],
            "CN=www.example.com",
            ["www.example.com", "asked.example.com", "192.0.2.7", "asked@example.com"],
            [SUBJECT],
        ),
        (
            {"subject", "alt"},
            [],
            "CN=asked for,O=Asked,C=AT",
            ["asked.example.com", "192.0.2.7", "asked@example.com"],
            [],
        ),
    ],
)
def test_copy_takes_what_is_named_and_no_more(
    installation: Installation, copied: set[str], given: list[str], subject: str, names: list[str], refused: list[str]
) -> None:
    certificate, not_granted = sign(installation, greedy(), names=given, copy=frozenset(copied))
    assert certificate.subject.rfc4514_string() == subject
    assert names_of(certificate) == names
    assert not_granted == (*refused, *(f"the extension {name}" for name in EXTENSIONS))


def test_a_subject_is_copied_octet_by_octet(installation: Installation) -> None:
    """Order, several attributes in one RDN, and the types of strings."""
    csr = request("P-256", "-utf8", "-multivalue-rdn", subject="/C=AT/O=Größe/OU=a/OU=b/CN=me+serialNumber=42")
    certificate, not_granted = sign(installation, csr, profile="client", copy=frozenset({"subject"}))
    assert certificate.subject.public_bytes() == x509.load_pem_x509_csr(csr).subject.public_bytes()
    assert not_granted == ()


def test_a_given_subject_is_stronger_than_one_to_be_copied(installation: Installation) -> None:
    order = {"names": ["www.example.com"], "subject": "CN=given", "copy": frozenset({"subject"})}
    certificate, not_granted = sign(installation, greedy(), **order)
    assert certificate.subject.rfc4514_string() == "CN=given"
    assert SUBJECT in not_granted


def test_the_command_says_what_was_not_granted(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "greedy.csr").write_bytes(greedy())
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    arguments = ("sign-cert", "--ca", "Root", "--csr", "greedy.csr", "--alt", "www.example.com")
    signed = anchorhold(*arguments, "--output-format", "json")
    assert signed.exit_code == 0, signed.talk
    expected = [SUBJECT, *NAMES, *(f"the extension {name}" for name in EXTENSIONS)]
    assert json.loads(signed.data)["not_granted"] == expected
    assert all(words in signed.talk for words in expected)


def test_the_command_copies_subject_and_names_when_it_is_told_to(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "greedy.csr").write_bytes(greedy())
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    signed = anchorhold("sign-cert", "--ca", "Root", "--csr", "greedy.csr", "--copy", "subject", "--copy", "alt")
    assert signed.exit_code == 0, signed.talk
    certificate = x509.load_pem_x509_certificate(signed.data)
    assert certificate.subject.rfc4514_string() == "CN=asked for,O=Asked,C=AT"
    assert names_of(certificate) == ["asked.example.com", "192.0.2.7", "asked@example.com"]
