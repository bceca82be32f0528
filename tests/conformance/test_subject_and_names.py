"""Subject and alternative names (RFC 5280, sections 4.1.2.6 and 4.2.1.6): one of them is always there."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import Order
from anchorhold.errors import ProfileRefusedError, SubjectInvalidError
from conformance.chains import Chains, installation_in, request

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    with installation_in(tmp_path_factory.mktemp("chains")) as installation:
        yield Chains(installation)


def _names(certificate: x509.Certificate) -> tuple[bool, x509.ExtensionType]:
    """The alternative names with their criticality."""
    part = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return part.critical, part.value


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


@pytest.mark.parametrize(
    "order", [{"names": ["URI:https://example.com/"]}, {"names": ["x" * 61 + ".org"]}, {"subject": ""}]
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
