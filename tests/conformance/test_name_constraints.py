"""Name constraints (RFC 5280, section 4.2.1.10): anchorhold signs what openssl accepts under them, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import Order
from anchorhold.errors import NameForbiddenError
from conformance.chains import ACCEPTED, Chains, installation_in, openssl_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold import Authority

INSIDE = [
    (["DNS:example.com"], [], ["example.com", "www.example.com", "*.example.com", "A.B.EXAMPLE.COM"]),
    (["DNS:.example.com"], [], ["www.example.com"]),
    (["DNS:example.com", "DNS:example.org"], [], ["www.example.org"]),
    (["DNS:example.com"], ["DNS:secret.example.com"], ["www.example.com"]),
    ([], ["DNS:secret.example.com"], ["other.example.com", "*.other.example.com", "example.com"]),
    ([], ["DNS:a.secret.example.com"], ["*.example.com"]),
    ([], ["DNS:example.org"], ["www.example.com", "example.org.example.com", "notexample.org"]),
    (["IP:192.0.2.0/24"], [], ["IP:192.0.2.0", "IP:192.0.2.255"]),
    (["IP:2001:db8::/32"], [], ["IP:2001:db8:ffff::1"]),
    (["DNS:example.com"], ["IP:0.0.0.0/0", "IP:::/0"], ["www.example.com"]),
    (["email:example.com"], [], ["email:me@example.com", "email:me@EXAMPLE.com"]),
    (["email:.example.com"], [], ["email:me@mail.example.com"]),
    (["email:me@example.com"], [], ["email:me@example.com"]),
    (["URI:.example.com"], [], ["URI:https://www.EXAMPLE.com:8443/path"]),
    (["URI:example.com"], [], ["URI:https://example.com/"]),
    (["dirname:O=Example"], [], ["www.example.com"]),
    (["dirname:O=EXAMPLE"], [], ["www.example.com"]),
    ([], ["dirname:O=Evil"], ["dirname:O=Good", "dirname:CN=x,O=Evil Twin"]),
    (["dirname:O=example", "dirname:O=Two  Words"], [], ["dirname:CN=x,O=two words", "dirname:CN=x,O=EXAMPLE"]),
    (["dirname:"], [], ["dirname:O=Whatever"]),
    ([], ["DNS:"], ["IP:192.0.2.1", "email:me@example.com"]),
    (["DNS:"], [], ["www.example.com"]),
    ([], ["email:"], ["www.example.com"]),
    ([], ["URI:"], ["www.example.com"]),
    ([], ["URI:evil.example"], ["URI:https://good.example/"]),
    ([], ["URI:.evil.example", "email:.evil.example"], ["URI:https://evil.example/", "email:me@evil.example"]),
]

OUTSIDE = [
    (["DNS:example.com"], [], "www.example.org"),
    (["DNS:example.com"], [], "notexample.com"),
    (["DNS:example.com"], ["DNS:secret.example.com"], "www.secret.example.com"),
    ([], ["DNS:example.org"], "*.example.org"),
    (["DNS:example.com"], ["DNS:secret.example.com"], "*.example.com"),
    ([], ["DNS:Secret.Example.com"], "*.eXample.com"),
    ([], ["DNS:com"], "*.example.com"),
    (["IP:192.0.2.0/24"], [], "IP:192.0.3.0"),
    (["IP:192.0.2.0/24"], [], "IP:2001:db8::1"),
    (["DNS:example.com"], ["IP:0.0.0.0/0"], "IP:192.0.2.1"),
    (["email:example.com"], [], "email:me@mail.example.com"),
    (["email:me@example.com"], [], "email:you@example.com"),
    (["email:me@example.com"], [], "email:ME@example.com"),
    (["URI:.example.com"], [], "URI:https://example.com/"),
    (["URI:example.com"], [], "URI:https://www.example.com/"),
    (["URI:example.com"], [], "URI:urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
    ([], ["URI:example.com"], "URI:urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
    ([], ["URI:example.com"], "URI:https://192.0.2.1/"),
    ([], ["URI:evil.com"], "URI:https://me@EVIL.com:8443/path"),
    ([], ["dirname:O=Evil"], "dirname:O=evil"),
    ([], ["dirname:O=Evil Twin"], "dirname:CN=x,O=EVIL \\ \\ TWIN"),
    ([], ["dirname:O=Größe"], "dirname:O=GRÖSSE"),
    (["dirname:O=Größe", "dirname:O=Example"], [], "dirname:O=GRÖßE"),
    ([], ["DNS:"], "www.example.com"),
    ([], ["email:"], "email:me@example.com"),
    (["email:"], [], "email:me@example.com"),
    ([], ["URI:"], "URI:https://example.com/"),
    (["URI:"], [], "URI:https://example.com/"),
]

NO_SUBTREES = [
    *("URI:https://evil.com/", "URI:a b", "URI:1.2.3.4", "URI:evil.com:443", "URI:me@evil.com", "URI:.", "URI:..a"),
    *("email:a b", "email:@example.com", "email:me@", "email:me@.example.com", "email:.", "email:1.2.3.4"),
    *("DNS:.", "DNS:..a", "DNS:*.example.com", "DNS:a b", "IP:", "IP:192.0.2.1/24", "RID:1.2.3"),
]


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    with installation_in(tmp_path_factory.mktemp("chains")) as installation:
        yield Chains(installation)


def constrained(chains: Chains, permitted: list[str], excluded: list[str]) -> Authority:
    """An issuing authority below a root, with constraints."""
    name = f"permitted {permitted}, excluded {excluded}"
    known = {authority.name: authority for authority in chains.installation.authorities.list()}
    return known.get(name) or chains.installation.authorities.create(
        name,
        "CN=Constrained,O=Example",
        parent=chains.authority("P-256"),
        path_length="none",
        permitted=permitted,
        excluded=excluded,
    )


@pytest.mark.parametrize(("permitted", "excluded", "names"), INSIDE)
def test_openssl_accepts_names_that_the_constraints_permit(
    chains: Chains, tmp_path: Path, permitted: list[str], excluded: list[str], names: list[str]
) -> None:
    authority = constrained(chains, permitted, excluded)
    found = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    order = Order(csr=chains.request("P-256"), names=names, subject="CN=me,O=Example", profile="client")
    certificate = chains.sign(authority, order)
    assert openssl_verdict(tmp_path, certificate, chains.above(authority)) == ACCEPTED


@pytest.mark.parametrize(("permitted", "excluded", "name"), OUTSIDE)
def test_names_outside_the_constraints_are_refused(
    chains: Chains, permitted: list[str], excluded: list[str], name: str
) -> None:
    authority = constrained(chains, permitted, excluded)
    before = len(chains.installation.certificates.list(authority))
    order = Order(csr=chains.request("P-256"), names=[name], subject="CN=me,O=Example", profile="client")
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, order)
    assert len(chains.installation.certificates.list(authority)) == before


@pytest.mark.parametrize("subtree", NO_SUBTREES)
def test_what_is_no_subtree_is_refused_and_excludes_nothing_in_silence(chains: Chains, subtree: str) -> None:
    """URIs are constrained by their hosts, not by the beginning of a URI (section 4.2.1.10)."""
    with pytest.raises(NameForbiddenError, match="cannot be read as a subtree of names"):
        constrained(chains, [], [subtree])


@pytest.mark.parametrize(
    ("permitted", "excluded"),
    [
        ("DNS:www.example.com", "DNS:example.com"),
        ("DNS:example.com", "DNS:"),
        ("IP:2001:db8::/64", "IP:2001:db8::/32"),
        ("email:me@example.com", "email:example.com"),
        ("email:", "email:"),
        ("URI:.a.example.com", "URI:.example.com"),
        ("URI:example.com", "URI:"),
        ("dirname:CN=x,O=Example", "dirname:O=example"),
    ],
)
def test_constraints_that_permit_what_they_exclude_are_refused(chains: Chains, permitted: str, excluded: str) -> None:
    with pytest.raises(NameForbiddenError, match="is both permitted and excluded"):
        constrained(chains, [permitted], [excluded])


def test_a_subject_outside_the_constraints_is_refused(chains: Chains) -> None:
    authority = constrained(chains, ["dirname:O=Example"], [])
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(
            authority, Order(csr=chains.request("P-256"), names=["www.example.com"], subject="CN=me,O=Somebody")
        )


def test_a_subject_in_other_letters_than_an_excluded_one_is_refused(chains: Chains) -> None:
    """Case and blanks do not tell directory names apart (section 7.1): openssl has an excluded subtree violation."""
    authority = constrained(chains, [], ["dirname:O=Evil Twin"])
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, Order(csr=chains.request("P-256"), names=["a.example"], subject="CN=me,O=EVIL  twin"))
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.installation.authorities.create("Evil", "CN=me,O=evil twin", parent=authority)


def test_a_common_name_that_is_a_host_outside_the_constraints_is_refused(chains: Chains) -> None:
    """Without an alternative name openssl takes it for one: error 47, permitted subtree violation."""
    authority = constrained(chains, ["DNS:example.com"], [])
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, Order(csr=chains.request("P-256"), subject="CN=www.example.org", profile="client"))


def test_constraints_of_an_authority_further_up_are_kept(chains: Chains) -> None:
    """They bind everything below (section 6.1.4 (g)), not only what their holder signs itself."""
    above = constrained(chains, ["DNS:example.com"], [])
    issuing = chains.installation.authorities.create("Two below", "CN=Two below", parent=above)
    with pytest.raises(NameForbiddenError, match=r"www\.example\.org"):
        chains.sign(issuing, Order(csr=chains.request("P-256"), names=["www.example.org"]))


def test_openssl_accepts_a_name_that_all_constraints_above_permit(chains: Chains, tmp_path: Path) -> None:
    above = constrained(chains, ["DNS:example.com"], [])
    issuing = chains.installation.authorities.create(
        "Narrower", "CN=Narrower", parent=above, permitted=["DNS:example.com"], excluded=["DNS:secret.example.com"]
    )
    certificate = chains.sign(issuing, Order(csr=chains.request("P-256"), names=["www.example.com"]))
    assert openssl_verdict(tmp_path, certificate, chains.above(issuing)) == ACCEPTED
