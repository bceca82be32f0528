"""Subject and alternative names (RFC 5280, sections 4.1.2.6 and 4.2.1.6): one of them is always there."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import Order
from anchorhold.errors import NameForbiddenError, ProfileRefusedError, SubjectInvalidError
from conformance.chains import ACCEPTED, Chains, installation_in, openssl_verdict, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    with installation_in(tmp_path_factory.mktemp("chains")) as installation:
        yield Chains(installation)


def _names(certificate: x509.Certificate) -> tuple[bool, x509.ExtensionType]:
    """The alternative names with their criticality."""
    part = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return part.critical, part.value


def _alternatives(certificate: x509.Certificate) -> list[x509.GeneralName]:
    return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def test_alternative_names_keep_their_order_and_are_not_repeated(chains: Chains) -> None:
    names = ["DNS:b.example.com", "IP:192.0.2.1", "a.example.com", "URI:https://example.com/", "email:me@example.com"]
    certificate = chains.sign(
        chains.authority("P-256"), Order(csr=chains.request("P-256"), names=[*names, "b.example.com", "192.0.2.1"])
    )
    wanted = [
        x509.DNSName("b.example.com"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
        x509.DNSName("a.example.com"),
        x509.UniformResourceIdentifier("https://example.com/"),
        x509.RFC822Name("me@example.com"),
    ]
    assert _names(certificate) == (False, x509.SubjectAlternativeName(wanted))
    assert certificate.subject.rfc4514_string() == "CN=b.example.com"


NOT_NAMES = [
    *("email:..@example.com", "email:.a@example.com", "email:a..b@example.com", f"email:{'a' * 65}@example.com"),
    *("email:me@", "email:@example.com", 'email:"a@example.com', "email:a b@example.com", "email:me@1.2.3.4"),
    *("dirname:", "dirname:/", "RID:", "IP:", "DNS:"),
    *("URI:http:///x", "URI:http://-bad-/", "URI:http://ex_ample.com/", "URI:http://a.example:99999/", "URI://a/b"),
    *(
        "URI:http://a.example:0/",
        "URI:http://a.example:x/",
        "URI:http://[::zz]/",
        "URI:http://[::1/",
        "URI:http://1.2.3/",
    ),
    *("URI:http://me@/", "URI:https://a..example/", "URI:https://xn--a.com/"),
    *("DNS:xn--a.com", "DNS:www.XN--99999.com", "DNS:xn--abc-.com", "email:me@xn--a.com", "*.xn--a.com"),
]
NAMES = [
    *("email:first.last+tag@example.com", 'email:"odd one"@example.com', "email:o'hara@example.com"),
    *("URI:urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "URI:ldap:///CN=x?a?base", "URI:http://[2001:db8::1]:8080/"),
    *("URI:spiffe://example.org/ns/one", "URI:https://me@a.example:443", "URI:http://192.0.2.1/", "URI:mailto:a@b.c"),
    *("DNS:xn--bcher-kva.example", "DNS:XN--MNCHEN-3YA.de", "DNS:*.xn--bcher-kva.example", "DNS:a--b.example"),
    *("DNS:xn--i-7iq.example", "dirname:CN=x"),
]


@pytest.mark.parametrize("name", NOT_NAMES)
def test_what_is_no_name_is_not_signed(chains: Chains, name: str) -> None:
    """RFC 5280, section 4.2.1.6: a URI with an authority has a host; a mailbox is one of RFC 5321."""
    order = Order(csr=chains.request("P-256"), names=[name], subject="CN=x", profile="client")
    with pytest.raises(NameForbiddenError, match="alternative name"):
        chains.sign(chains.authority("P-256"), order)


def test_names_of_every_form_are_signed_and_openssl_reads_them(chains: Chains, tmp_path: Path) -> None:
    root = chains.authority("P-256")
    order = Order(csr=chains.request("P-256"), names=NAMES, subject="CN=x", profile="client")
    certificate = chains.sign(root, order)
    assert openssl_verdict(tmp_path, certificate, chains.above(root)) == ACCEPTED
    assert len(_alternatives(certificate)) == len(NAMES)


@pytest.mark.parametrize(
    "order",
    [
        {"names": ["192.0.2.1"]},
        {"names": ["URI:spiffe://example.org/x"]},
        {"names": ["x" * 61 + ".org"]},
        {"subject": ""},
    ],
)
def test_alternative_names_are_critical_when_the_subject_is_empty(chains: Chains, order: dict[str, Any]) -> None:
    wanted = {"names": ["www.example.com"], **order}
    certificate = chains.sign(chains.authority("P-256"), Order(csr=chains.request("P-256"), **wanted))
    assert certificate.subject == x509.Name([])
    assert _names(certificate)[0] is True


@pytest.mark.parametrize("order", [{}, {"subject": ""}, {"copy": frozenset({"subject"})}], ids=["no", "empty", "copy"])
def test_a_certificate_without_any_name_is_refused(chains: Chains, order: dict[str, Any]) -> None:
    """An empty subject needs a subject alternative name (section 4.1.2.6)."""
    csr = request("P-256", subject="/")
    with pytest.raises((ProfileRefusedError, SubjectInvalidError), match="subject"):
        chains.sign(chains.authority("P-256"), Order(csr=csr, profile="client", **order))


@pytest.mark.parametrize("names", [["URI:https://example.com/"], ["www.example.com"]])
def test_an_authority_with_an_empty_subject_is_refused(chains: Chains, names: list[str]) -> None:
    """The subject of an authority is the issuer of others, which must not be empty (section 4.1.2.6)."""
    order = Order(csr=request("P-256", subject="/"), names=names, subject="", profile="intermediate")
    with pytest.raises((ProfileRefusedError, SubjectInvalidError), match="subject"):
        chains.sign(chains.authority("P-256"), order)
