"""Names that certificates can have, as people ask for them; and imported constraints with a dot before the domain."""

from __future__ import annotations

import pytest
from cryptography import x509

from anchorhold.errors import NameForbiddenError
from anchorhold.x509.general_names import certifiable, parse_alt
from anchorhold.x509.name_constraints import check_permitted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("müller.example.com", "xn--mller-kva.example.com"),
        ("*.Müller.example.com", "*.xn--mller-kva.example.com"),
        ("email:me@müller.example", "me@xn--mller-kva.example"),
        ("URI:spiffe://prod_eu/ns/x", "spiffe://prod_eu/ns/x"),
    ],
)
def test_a_name_is_taken_in_the_form_that_certificates_have(text: str, value: str) -> None:
    assert parse_alt(text).value == value


@pytest.mark.parametrize(
    ("text", "oid", "der"),
    [
        ("UPN:user@example.com", "1.3.6.1.4.1.311.20.2.3", b"\x0c\x10user@example.com"),
        ("SRV:_sip.example.com", "1.3.6.1.5.5.7.8.7", b"\x16\x10_sip.example.com"),
    ],
)
def test_a_name_of_another_kind_is_taken(text: str, oid: str, der: bytes) -> None:
    assert parse_alt(text) == x509.OtherName(x509.ObjectIdentifier(oid), der)


@pytest.mark.parametrize(
    "text",
    [
        "straße.example",
        "ﬁ.example",
        "UPN:user",
        "UPN:a b@example.com",
        "SRV:example.com",
        "SRV:_.example.com",
        "URI:spiffe://Prod/x",
        "URI:spiffe://a:80/x",
        "[192.0.2.1]",
        "[2001:db8::1",
        "email:müller@example.com",
        "my_host.example.com",
    ],
)
def test_what_is_no_such_name_is_refused(text: str) -> None:
    with pytest.raises(NameForbiddenError):
        parse_alt(text)


def test_a_name_from_a_request_is_not_converted() -> None:
    with pytest.raises(NameForbiddenError):
        certifiable(x509.DNSName._init_without_validation("müller.example.com"))


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [("www.example.com", True, False), ("example.com", False, False), ("notexample.com", False, True)],
)
def test_a_dot_before_a_domain_means_the_names_below_it(name: str, inside: bool, outside: bool) -> None:
    """In doubt, which is about the domain itself, a name is refused, whether the subtree permits or excludes."""
    subtree = [x509.DNSName(".example.com")]
    for constraints, wanted in (
        (x509.NameConstraints(subtree, None), inside),
        (x509.NameConstraints(None, subtree), outside),
    ):
        if wanted:
            check_permitted(x509.Name([]), [x509.DNSName(name)], constraints, "CA")
        else:
            with pytest.raises(NameForbiddenError):
                check_permitted(x509.Name([]), [x509.DNSName(name)], constraints, "CA")
