"""Values from outside: one value is checked and certified, and its string type can hold it."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, SubjectInformationAccessOID

from anchorhold import Order, key_spec
from anchorhold.errors import AnchorholdError, NameForbiddenError, ProfileRefusedError, SubjectInvalidError
from anchorhold.software_keys import generate
from anchorhold.x509.der import is_der, tlv
from anchorhold.x509.names import attribute_oid
from conformance.chains import ACCEPTED, Chains, installation_in, openssl_verdict
from programs import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchorhold import Authority

KEY = generate(key_spec("EC"))
mailbox = partial(x509.RFC822Name._init_without_validation)
attribute = partial(x509.NameAttribute, _validate=False)
COPY: Final[frozenset[Literal["subject", "alt"]]] = frozenset({"subject"})


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    with installation_in(tmp_path_factory.mktemp("enters"), SETTINGS) as installation:
        yield Chains(installation)


SETTINGS = """
[profiles.copies]
[profiles.copies.copy]
subject = true
alt = ["DNS", "email", "URI", "IP", "dirname", "RID", "other"]
extensions = ["1.3.6.1.5.5.7.1.11"]
[profiles.picks]
[profiles.picks.copy]
subject = ["CN", "serialNumber", "C", "DC", "emailAddress", "O", "2.5.4.46", "2.5.4.45", "1.3.6.1.4.1.311.60.2.1.3"]
"""


def asking(*names: x509.GeneralName, subject: tuple[x509.NameAttribute[Any], ...] = (), also: Any = None) -> bytes:
    """A request for these names, whatever they are."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if also is not None:
        builder = builder.add_extension(also, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def constrained(chains: Chains, **constraints: Any) -> Authority:
    name = f"constrained by {constraints}"
    known = {authority.name: authority for authority in chains.installation.authorities.list()}
    return known.get(name) or chains.installation.authorities.create(
        name, "CN=Constrained", parent=chains.authority("P-256"), **constraints
    )


def other(kind: str, text: str, tag: int = 0x0C) -> x509.OtherName:
    """A name of a kind that only its identifier tells."""
    return x509.OtherName(x509.ObjectIdentifier(kind), tlv(tag, text.encode()))


UPN, SRV, SMTP_UTF8 = "1.3.6.1.4.1.311.20.2.3", "1.3.6.1.5.5.7.8.7", "1.3.6.1.5.5.7.8.9"
ORGANIZATION = NameOID.ORGANIZATION_NAME
AROUND = [
    *(other(UPN, f"me@example.com{end}") for end in (" ", "\n", "\0")),
    *(other(SRV, name, 0x16) for name in ("_ldap.example.com.", " _ldap.example.com", "ldap.example.com")),
    *(other(SMTP_UTF8, name) for name in ("ü@example.com ", "me@example.com", "ü@example.com\n", "ü")),
    *(other(kind, "me@example.com", 0x16) for kind in (UPN, SMTP_UTF8)),
    *(x509.UniformResourceIdentifier(f"https://evil.example.com{odd}@example.org/") for odd in "\\<>^`{|}"),
    x509.UniformResourceIdentifier("https://example.org/%zz"),
    *(x509.DirectoryName(x509.Name([attribute(ORGANIZATION, f"Evil{end}")])) for end in "\n\x85\u2028\u202e"),
    *(x509.DNSName(f"evil.example.com{end}") for end in (" ", "\n", "\r\n", "\t", "\x0b", ".", "\x00")),
    *(x509.DNSName(f"{begin}evil.example.com") for begin in (" ", "\n", "*. ", "* ")),
    *(mailbox(f"me@evil.example.com{end}") for end in (" ", "\n", ".")),
    *(mailbox(f"{begin}me@evil.example.com") for begin in (" ", "\n", "<")),
    *(x509.UniformResourceIdentifier(f"https://evil.example.com{end}") for end in (" ", "\n", "\n/", "\t:80/")),
    *(x509.UniformResourceIdentifier(f"{begin}https://evil.example.com/") for begin in (" ", "\n", "\x01")),
]


@pytest.mark.parametrize("name", AROUND, ids=repr)
@pytest.mark.parametrize("how", [{"copy": frozenset({"alt"})}, {"profile": "copies"}], ids=["--copy", "profile"])
def test_blanks_and_line_breaks_around_a_copied_name_are_refused(
    chains: Chains, name: x509.GeneralName, how: dict[str, Any]
) -> None:
    """They would make another name of it for the constraints than for whoever reads the certificate."""
    excluded = [f"{kind}:evil.example.com" for kind in ("DNS", "email", "URI")]
    authority = constrained(chains, excluded=excluded)
    with pytest.raises(AnchorholdError):
        chains.sign(authority, Order(csr=asking(name), subject="CN=x", **how))


@pytest.mark.parametrize(
    ("excluded", "name"),
    [
        ("DNS:evil.example.com", other(SRV, "_ldap.evil.example.com", 0x16)),
        ("DNS:evil.example.com", other(SRV, "_ldap.EVIL.example.com", 0x16)),
        ("email:evil.example.com", other(UPN, "me@evil.example.com")),
        ("email:evil.example.com", other(SMTP_UTF8, "ü@evil.example.com")),
        ("email:me@evil.example.com", mailbox("Me@evil.example.com")),
        ("email:me@evil.example.com", mailbox('"me"@evil.example.com')),
        ("email:me@evil.example.com", mailbox('"m\\e"@EVIL.example.com')),
        ("dirname:O=Evil Corp", x509.DirectoryName(x509.Name([attribute(ORGANIZATION, "EVIL\u00a0\u200bCorp")]))),
        ("dirname:O=Evil Corp", x509.DirectoryName(x509.Name([attribute(ORGANIZATION, "\uff25vil  Corp")]))),
    ],
    ids=repr,
)
def test_an_excluded_name_is_refused_in_every_form(chains: Chains, excluded: str, name: x509.GeneralName) -> None:
    authority = constrained(chains, excluded=[excluded])
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, Order(csr=asking(name), subject="CN=x", profile="client", copy=frozenset({"alt"})))


def test_an_address_beyond_ascii_is_held_against_permitted_ones_too(chains: Chains) -> None:
    authority = constrained(chains, permitted=["email:example.com"])
    csr = asking(other(SMTP_UTF8, "ü@evil.example.com"))
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, Order(csr=csr, subject="CN=x", profile="client", copy=frozenset({"alt"})))


@pytest.mark.parametrize("name", ["evil.example.com.", "EVIL.example.com. ", "a.evil.example.com."])
def test_a_common_name_with_a_dot_at_its_end_is_a_host(chains: Chains, name: str) -> None:
    authority = constrained(chains, excluded=["DNS:evil.example.com"])
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, Order(csr=asking(), subject=f"CN={name}", profile="client"))


@pytest.mark.parametrize("permitted", ["email:example.com", "email:"])
@pytest.mark.parametrize("value", ["me@evil.com", "me@example.com ", "Me <me@example.com>", "me", "me@[192.0.2.1]"])
def test_a_mailbox_in_the_subject_is_held_against_constraints_whatever_it_is(
    chains: Chains, permitted: str, value: str
) -> None:
    authority = constrained(chains, permitted=[permitted])
    csr = asking(subject=(attribute(NameOID.EMAIL_ADDRESS, value),))
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, Order(csr=csr, profile="client", copy=COPY))
    excluding = constrained(chains, excluded=["email:example.com", "email:evil.com"])
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(excluding, Order(csr=csr, profile="client", copy=COPY))


NOT_HELD = [
    *(
        "2.5.4.20=+43_1",
        "2.5.4.24=12a",
        "1.2.643.100.1=12a",
        "0.9.2342.19200300.100.1.37=ä",
        "2.5.4.35=text",
        "2.5.4.34=x",
    ),
    *("1.3.6.1.5.5.7.9.5=é1", "0.9.2342.19200300.100.1.3=ü@example.com"),
    *("emailAddress=ü@example.com", "DC=exämple", "serialNumber=é", "serialNumber=a_1", "serialNumber=a@1", "C=A_"),
    *("C=é", "C=éé", "2.5.4.46=ü", "2.5.4.45=text", "1.3.6.1.4.1.311.60.2.1.3=A*"),
]


@pytest.mark.parametrize("attribute", NOT_HELD)
@pytest.mark.parametrize("form", ["{},CN=x", "CN=x,{}", "/CN=x/{}", "/CN=x+{}"])
def test_values_that_their_string_type_cannot_hold_are_refused(chains: Chains, attribute: str, form: str) -> None:
    """RFC 5280, appendix A.1; what is issued otherwise is no DER, and is refused by Go."""
    subject, kind = form.format(attribute), attribute.partition("=")[0]
    order = Order(csr=chains.request("P-256"), subject=subject, profile="client")
    with pytest.raises(SubjectInvalidError, match=kind.replace(".", r"\.")):
        chains.sign(chains.authority("P-256"), order)
    with pytest.raises(SubjectInvalidError):
        chains.installation.authorities.create(subject, subject)
    if not form.startswith("/"):
        named = Order(csr=chains.request("P-256"), names=[f"dirname:{subject}"], subject="CN=x", profile="client")
        with pytest.raises(AnchorholdError):
            chains.sign(chains.authority("P-256"), named)
        with pytest.raises(AnchorholdError):
            chains.installation.authorities.create(subject, "CN=x", permitted=[f"dirname:{subject}"])


_JURISDICTION = "1.3.6.1.4.1.311.60.2.1"
TOO_LONG = [
    *[(kind, 64) for kind in ("CN", "O", "OU", "title", "serialNumber")],
    *[
        (kind, 128)
        for kind in ("L", "ST", "2.5.4.65", "2.5.4.15", "STREET", f"{_JURISDICTION}.1", f"{_JURISDICTION}.2")
    ],
    *[("C", 2), (f"{_JURISDICTION}.3", 2), ("1.3.6.1.5.5.7.9.4", 2), ("1.3.6.1.5.5.7.9.3", 1)],
    *[("emailAddress", 255), ("1.2.840.113549.1.9.2", 255), ("UID", 256), ("2.5.4.17", 40), ("2.5.4.20", 32)],
    *[("SN", 32768), ("GN", 32768), ("2.5.4.43", 32768), ("2.5.4.44", 32768), ("2.5.4.41", 32768)],
]
"""Attributes, each with the most letters that it may have."""


@pytest.mark.filterwarnings("ignore:Attribute's length:UserWarning")
@pytest.mark.parametrize(("kind", "most"), TOO_LONG)
def test_values_beyond_their_bounds_are_refused_and_those_at_them_are_not(chains: Chains, kind: str, most: int) -> None:
    """RFC 5280, appendix A.1: letters are counted, not octets."""
    letter = "1" if kind in ("serialNumber", "2.5.4.20") else "A" if most <= 2 or kind == "emailAddress" else "ü"
    fits, beyond = f"{kind}={letter * most}", f"{kind}={letter * (most + 1)}"
    authority, csr = chains.authority("P-256"), chains.request("P-256")
    chains.sign(authority, Order(csr=csr, subject=fits, names=[f"dirname:{fits}"], profile="client"))
    copied = asking(subject=(attribute(attribute_oid(kind), letter * (most + 1)),))
    for order in (
        Order(csr=csr, subject=beyond, profile="client"),
        Order(csr=csr, subject="CN=x", names=[f"dirname:CN=x+{beyond}"], profile="client"),
        Order(csr=copied, profile="client", copy=COPY),
        Order(
            csr=asking(x509.DirectoryName(x509.Name([attribute(attribute_oid(kind), letter * (most + 1))]))),
            profile="client",
            subject="CN=x",
            copy=frozenset({"alt"}),
        ),
    ):
        with pytest.raises(SubjectInvalidError, match=f"{kind} ".replace(".", r"\.")):
            chains.sign(authority, order)
    with pytest.raises(SubjectInvalidError, match=f"{kind} ".replace(".", r"\.")):
        chains.installation.authorities.create(kind, beyond)


ODD = [
    (NameOID.SERIAL_NUMBER, "a_1", _ASN1Type.UTF8String, None),
    (NameOID.SERIAL_NUMBER, "é", _ASN1Type.UTF8String, None),
    (NameOID.SERIAL_NUMBER, "42", _ASN1Type.UTF8String, _ASN1Type.PrintableString),
    (NameOID.COUNTRY_NAME, "AT", _ASN1Type.UTF8String, _ASN1Type.PrintableString),
    (NameOID.EMAIL_ADDRESS, "a@b.example", _ASN1Type.UTF8String, _ASN1Type.IA5String),
    (NameOID.DOMAIN_COMPONENT, "exämple", _ASN1Type.UTF8String, None),
    (NameOID.COMMON_NAME, "é", _ASN1Type.UniversalString, _ASN1Type.UniversalString),
    (NameOID.COMMON_NAME, "plain", _ASN1Type.PrintableString, _ASN1Type.PrintableString),
    (NameOID.COMMON_NAME, "é", _ASN1Type.BMPString, _ASN1Type.BMPString),
    (NameOID.COMMON_NAME, "plain", _ASN1Type.T61String, _ASN1Type.UTF8String),
    (NameOID.COMMON_NAME, "plain", _ASN1Type.VisibleString, _ASN1Type.UTF8String),
    (NameOID.COMMON_NAME, "42", _ASN1Type.NumericString, _ASN1Type.UTF8String),
]


@pytest.mark.parametrize(("oid", "value", "asked", "written"), ODD)
@pytest.mark.parametrize(
    "how", [{"copy": frozenset({"subject"}), "profile": "client"}, {"profile": "copies"}, {"profile": "picks"}], ids=str
)
def test_a_copied_subject_has_string_types_that_hold_its_values(
    chains: Chains, oid: Any, value: str, asked: _ASN1Type, written: _ASN1Type | None, how: dict[str, Any]
) -> None:
    """They are kept where they can be, for names of authorities are compared octet by octet."""
    csr = asking(subject=(attribute(oid, value, asked),))
    sign: Callable[[], x509.Certificate] = lambda: chains.sign(chains.authority("P-256"), Order(csr=csr, **how))  # noqa: E731
    if written is None:
        with pytest.raises(SubjectInvalidError):
            sign()
        return
    certificate = sign()
    assert is_der(certificate.tbs_certificate_bytes)
    (found,) = certificate.subject
    assert (found.value, found._type) == (value, written)


def test_what_is_copied_as_it_is_is_der(chains: Chains) -> None:
    """Names of odd types are in extensions, too."""
    odd = x509.Name([attribute(NameOID.DOMAIN_COMPONENT, "ä", _ASN1Type.IA5String)])
    place = x509.AccessDescription(SubjectInformationAccessOID.CA_REPOSITORY, x509.DirectoryName(odd))
    csr = asking(x509.DNSName("a.example.com"), also=x509.SubjectInformationAccess([place]))
    with pytest.raises(AnchorholdError):
        chains.sign(chains.authority("P-256"), Order(csr=csr, subject="CN=x", profile="copies"))


HOSTLESS = [
    ["192.0.2.1"],
    ["2001:db8::1"],
    ["192.0.2.1", "email:me@example.com"],
]


@pytest.mark.parametrize("names", HOSTLESS)
@pytest.mark.parametrize("constraints", [{"permitted": ["DNS:example.com"]}, {"excluded": ["DNS:"]}], ids=str)
def test_no_common_name_is_made_that_would_be_taken_for_a_host(
    chains: Chains, tmp_path: Path, names: list[str], constraints: dict[str, list[str]]
) -> None:
    authority = constrained(chains, **constraints)
    certificate = chains.sign(authority, Order(csr=chains.request("P-256"), names=names, profile="client"))
    assert openssl_verdict(tmp_path, certificate, chains.above(authority)) == ACCEPTED
    chain = b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, *chains.above(authority)))
    subprocess.run([program("certtool"), "--verify-chain"], input=chain, check=True, capture_output=True)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "a_b.example.org", "*.example.org", "_a.example.org", " www.example.org"]
)
def test_a_common_name_that_any_program_takes_for_a_host_is_held_against_constraints(chains: Chains, host: str) -> None:
    csr = asking(subject=(attribute(NameOID.COMMON_NAME, host),))
    order, authority = Order(csr=csr, profile="client", copy=COPY), constrained(chains, permitted=["DNS:example.com"])
    with pytest.raises(NameForbiddenError, match="outside the name constraints"):
        chains.sign(authority, order)


@pytest.mark.parametrize("profile", ["webserver", "server-and-client"])
@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["https://www.example.com/shop"], "DNS:www.example.com"),
        (["https://192.0.2.1/", "URI:urn:x"], "IP:192.0.2.1"),
        (["URI:urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"], "a DNS name or an address"),
        (["dirname:CN=x"], "a DNS name or an address"),
        (["RID:1.2.3"], "a DNS name or an address"),
    ],
)
def test_a_server_has_a_name_that_clients_compare(chains: Chains, profile: str, names: list[str], hint: str) -> None:
    with pytest.raises(ProfileRefusedError) as caught:
        chains.sign(chains.authority("P-256"), Order(csr=chains.request("P-256"), names=names, profile=profile))
    assert hint in str(caught.value)
    wanted = [*names, "www.example.com"]
    chains.sign(chains.authority("P-256"), Order(csr=chains.request("P-256"), names=wanted, profile=profile))
