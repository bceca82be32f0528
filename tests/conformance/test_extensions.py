"""Extension by extension: exactly what each profile puts into a certificate, with its criticality (RFC 5280, 4.2)."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from anchorhold import AnchorholdError, IssuancePolicy, Order
from anchorhold.errors import PathLengthError, ProfileRefusedError
from conformance.chains import KEYS, URLS, Chains, installation_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


SETTINGS: Final = """
[profiles.signing]
key_usage = ["digitalSignature", "nonRepudiation"]
extended_key_usage = ["codeSigning", "1.3.6.1.4.1.311.10.3.13"]
days = 400

[profiles.bare]
key_usage = ["digitalSignature"]
revocation_urls = false

[profiles.sub]
key_usage = ["keyCertSign", "cRLSign", "digitalSignature"]
ca = true
path_length = 1

[profiles.everything]
key_usage = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement"]

[profiles.encipher]
key_usage = ["keyEncipherment"]
"""

Found = dict[x509.ObjectIdentifier, tuple[bool, x509.ExtensionType]]

LEAF: Final = (True, x509.BasicConstraints(ca=False, path_length=None))
SAN: Final = (False, x509.SubjectAlternativeName([x509.DNSName("www.example.com")]))
ACCESS: Final = (
    False,
    x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
            for method, url in (
                (AuthorityInformationAccessOID.OCSP, "http://ocsp.example.com/"),
                (AuthorityInformationAccessOID.CA_ISSUERS, "http://ca.example.com/issuing.der"),
            )
        ]
    ),
)
POINTS: Final = (
    False,
    x509.CRLDistributionPoints(
        [
            x509.DistributionPoint(
                [x509.UniformResourceIdentifier("http://crl.example.com/issuing.crl")], None, None, None
            )
        ]
    ),
)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def usage(*bits: str) -> tuple[bool, x509.KeyUsage]:
    """Critical key usage with these bits."""
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every = (*names, "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    assert set(bits) <= set(every)
    return True, x509.KeyUsage(*(name in bits for name in every))


def purposes(*oids: x509.ObjectIdentifier) -> tuple[bool, x509.ExtendedKeyUsage]:
    """Extended key usage, not critical."""
    return False, x509.ExtendedKeyUsage(oids)


def found(certificate: x509.Certificate) -> Found:
    """All extensions with their criticality."""
    return {part.oid: (part.critical, part.value) for part in certificate.extensions}


def identifiers(certificate: x509.Certificate, issuer: x509.Certificate) -> Found:
    """The key identifiers that it must have: SHA-1 of the key's bits (method 1), and the issuer's own."""
    digests = []
    for each in (certificate, issuer):
        key = each.public_key()
        form = PublicFormat.SubjectPublicKeyInfo
        digests.append(x509.SubjectKeyIdentifier.from_public_key(key).digest)
        assert hashlib.sha1(_bits(key.public_bytes(Encoding.DER, form)), usedforsecurity=False).digest() == digests[-1]
    own, above = digests
    return {
        x509.SubjectKeyIdentifier.oid: (False, x509.SubjectKeyIdentifier(own)),
        x509.AuthorityKeyIdentifier.oid: (False, x509.AuthorityKeyIdentifier(above, None, None)),
    }


def _bits(spki: bytes) -> bytes:
    """The BIT STRING of a SubjectPublicKeyInfo: its second member, without tag, length and unused bits."""

    def header(data: bytes, at: int) -> tuple[int, int]:
        long = data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0
        length = int.from_bytes(data[at + 2 : at + 2 + long], "big") if long else data[at + 1]
        return at + 2 + long, length

    inside, _ = header(spki, 0)
    algorithm, length = header(spki, inside)
    start, size = header(spki, algorithm + length)
    return spki[start + 1 : start + size]


def expected(*parts: tuple[bool, x509.ExtensionType]) -> Found:
    """Extensions by their identifiers."""
    return {value.oid: (critical, value) for critical, value in parts}


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    with installation_in(tmp_path_factory.mktemp("chains"), SETTINGS) as installation:
        yield Chains(installation)


SIGNS = ("digital_signature",)
BY_KEY = {"RSA": ("digital_signature", "key_encipherment")}
PROFILES: Final[Mapping[str, tuple[Mapping[str, tuple[str, ...]], tuple[Any, ...]]]] = {
    "webserver": (BY_KEY, (LEAF, SAN, ACCESS, POINTS, purposes(SERVER))),
    "client": ({}, (LEAF, SAN, ACCESS, POINTS, purposes(CLIENT))),
    "server-and-client": (BY_KEY, (LEAF, SAN, ACCESS, POINTS, purposes(SERVER, CLIENT))),
    "ocsp": ({}, (LEAF, SAN, purposes(ExtendedKeyUsageOID.OCSP_SIGNING), (False, x509.OCSPNoCheck()))),
    "intermediate": (
        dict.fromkeys(KEYS, ("key_cert_sign", "crl_sign")),
        ((True, x509.BasicConstraints(ca=True, path_length=0)), SAN, ACCESS, POINTS),
    ),
    "signing": (
        dict.fromkeys(KEYS, ("digital_signature", "content_commitment")),
        (
            *(LEAF, SAN, ACCESS, POINTS),
            purposes(ExtendedKeyUsageOID.CODE_SIGNING, x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.13")),
        ),
    ),
    "bare": ({}, (LEAF, SAN)),
    "sub": (
        dict.fromkeys(KEYS, ("digital_signature", "key_cert_sign", "crl_sign")),
        ((True, x509.BasicConstraints(ca=True, path_length=1)), SAN, ACCESS, POINTS),
    ),
    # RFC 4055, section 1.2 (RSA), RFC 5480, section 3 (EC), RFC 8410, section 5 (Edwards)
    "everything": (
        {
            "RSA": ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            **dict.fromkeys(
                ("P-256", "P-384", "P-521", "brainpoolP256r1"),
                ("digital_signature", "content_commitment", "key_agreement"),
            ),
            **dict.fromkeys(("Ed25519", "Ed448"), ("digital_signature", "content_commitment")),
        },
        (LEAF, SAN, ACCESS, POINTS),
    ),
}
"""For each profile the key usage by kind of key (digitalSignature where none is given), and all other extensions."""


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_gives_exactly_these_extensions(chains: Chains, profile: str, kind: str) -> None:
    root = chains.authority("P-256")
    order = Order(csr=chains.request(kind), names=["www.example.com"], subject="CN=me", profile=profile)
    certificate = chains.sign(root, order)
    by_key, others = PROFILES[profile]
    wanted = expected(usage(*by_key.get(kind, SIGNS)), *others)
    assert found(certificate) == {**wanted, **identifiers(certificate, root.certificate)}
    assert certificate.version is x509.Version.v3


@pytest.mark.parametrize("kind", KEYS)
def test_authorities_have_exactly_these_extensions(chains: Chains, kind: str) -> None:
    root, issuing = chains.authority(kind), chains.issuing(kind)
    authority = expected((True, x509.BasicConstraints(True, None)), usage("key_cert_sign", "crl_sign"))
    assert found(root.certificate) == {**authority, **identifiers(root.certificate, root.certificate)}
    below = {**authority, **expected(ACCESS, POINTS), **identifiers(issuing.certificate, root.certificate)}
    assert found(issuing.certificate) == below


def test_an_authority_has_its_path_length_and_its_name_constraints(chains: Chains) -> None:
    authority = chains.installation.authorities.create(
        "Constrained",
        "CN=Constrained",
        path_length=2,
        permitted=["DNS:example.com", "IP:192.0.2.0/24", "email:example.com"],
        excluded=["DNS:secret.example.com", "dirname:O=Other", "URI:.example.org", "IP:2001:db8::/32"],
    )
    other = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Other")])
    constraints = x509.NameConstraints(
        permitted_subtrees=[
            x509.DNSName("example.com"),
            x509.IPAddress(ipaddress.ip_network("192.0.2.0/24")),
            x509.RFC822Name("example.com"),
        ],
        excluded_subtrees=[
            x509.DNSName("secret.example.com"),
            x509.DirectoryName(other),
            x509.UniformResourceIdentifier(".example.org"),
            x509.IPAddress(ipaddress.ip_network("2001:db8::/32")),
        ],
    )
    held = found(authority.certificate)
    assert held[x509.NameConstraints.oid] == (True, constraints)
    assert held[x509.BasicConstraints.oid] == (True, x509.BasicConstraints(True, 2))


@pytest.mark.parametrize(
    ("issuing", "absent"),
    [
        (IssuancePolicy(), {x509.AuthorityInformationAccess.oid, x509.CRLDistributionPoints.oid}),
        (IssuancePolicy(crl_urls=URLS.crl_urls), {x509.AuthorityInformationAccess.oid}),
        (IssuancePolicy(ocsp_urls=URLS.ocsp_urls), {x509.CRLDistributionPoints.oid}),
    ],
)
def test_urls_that_an_authority_does_not_have_are_not_in_what_it_signs(
    chains: Chains, issuing: IssuancePolicy, absent: set[x509.ObjectIdentifier]
) -> None:
    root = chains.installation.authorities.create(str(issuing), "CN=Some URLs", issuing=issuing)
    certificate = chains.sign(root, Order(csr=chains.request("P-256"), names=["www.example.com"]))
    both = {x509.AuthorityInformationAccess.oid, x509.CRLDistributionPoints.oid}
    assert both - set(found(certificate)) == absent


@pytest.mark.parametrize("url", ["not a url", "http://crl.example.com/a b", "http://größe.example.com/", ""])
@pytest.mark.parametrize("field", ["crl_urls", "ocsp_urls", "issuer_urls"])
def test_an_authority_is_not_made_with_a_url_that_is_none(chains: Chains, field: str, url: str) -> None:
    before = [authority.name for authority in chains.installation.authorities.list()]
    issuing = IssuancePolicy(**{field: (url,)})  # type: ignore[arg-type]  # of these fields, each has URLs
    with pytest.raises(AnchorholdError, match=r"UR[IL]"):
        chains.installation.authorities.create(f"{field}:{url}:", "CN=URL", issuing=issuing)
    assert [authority.name for authority in chains.installation.authorities.list()] == before


def test_key_usage_without_a_single_bit_is_refused(chains: Chains) -> None:
    """At least one bit must be set (section 4.2.1.3); an EC key has none of those that this profile gives."""
    order = Order(csr=chains.request("P-256"), names=["www.example.com"], profile="encipher")
    with pytest.raises(ProfileRefusedError, match="key usage"):
        chains.sign(chains.authority("P-256"), order)


def test_a_profile_of_an_authority_keeps_to_the_path_length_above_it(chains: Chains) -> None:
    root = chains.installation.authorities.create("Short", "CN=Short", path_length=1)
    order = Order(csr=chains.request("P-256"), subject="CN=Sub", profile="sub")
    with pytest.raises(PathLengthError):
        chains.sign(root, order)
