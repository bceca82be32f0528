"""pkilint finds no error and no warning by the rules of RFC 5280 and its updates; seeded faults prove that it would."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pkilint.loader import RFC5280CertificateDocumentLoader
from pkilint.pkix import certificate, extension, name
from pkilint.validation import ValidationFindingSeverity

from anchorhold import Order
from conformance.chains import KEYS, Chains, installation_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROFILES: Final = ("webserver", "client", "server-and-client", "ocsp", "intermediate")

LINTER: Final = certificate.create_pkix_certificate_validator_container(
    certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
    [
        certificate.create_issuer_validator_container([]),
        certificate.create_validity_validator_container(),
        certificate.create_subject_validator_container([]),
        certificate.create_extensions_validator_container([]),
        certificate.create_spki_validator_container([]),
    ],
)
"""What ``lint_pkix_cert`` runs."""


def findings(subject: x509.Certificate) -> list[str]:
    """What pkilint has against a certificate: fatal, error and warning."""
    document = RFC5280CertificateDocumentLoader().load_der_document(subject.public_bytes(Encoding.DER))
    return [
        str(description.finding.code)
        for result in LINTER.validate(document.root)
        for description in result.finding_descriptions
        if description.finding.severity <= ValidationFindingSeverity.WARNING
    ]


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    with installation_in(tmp_path_factory.mktemp("chains")) as installation:
        yield Chains(installation)


@pytest.mark.parametrize("kind", KEYS)
def test_pkilint_has_nothing_against_a_root_an_issuing_authority_and_a_web_server(chains: Chains, kind: str) -> None:
    issuing = chains.issuing(kind)
    leaf = chains.sign(issuing, Order(csr=chains.request(kind), names=["www.example.com", "IP:192.0.2.1"]))
    assert [findings(each) for each in (leaf, *chains.above(issuing))] == [[], [], []]
    for each in (leaf, issuing.certificate):
        held = {part.oid for part in each.extensions}
        assert {x509.AuthorityInformationAccess.oid, x509.CRLDistributionPoints.oid} <= held


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("profile", PROFILES)
def test_pkilint_has_nothing_against_each_profile(chains: Chains, profile: str, kind: str) -> None:
    leaf = chains.sign(
        chains.authority("P-256"), Order(csr=chains.request(kind), names=["www.example.com"], profile=profile)
    )
    assert findings(leaf) == []


@pytest.mark.parametrize(
    "order",
    [
        {"names": ["a" * 60 + ".example.com"]},  # too long for a common name: the subject is empty
        {"names": ["email:me@example.com"], "profile": "client"},
        {
            "names": ["URI:https://example.com/me"],
            "profile": "client",
            "subject": "CN=me,OU=Some,O=Example,L=Wien,ST=Wien,C=AT",
        },
        {"names": ["dirname:CN=me,C=AT", "RID:1.3.6.1.4.1.311.1"], "profile": "client", "subject": "CN=me"},
        {"names": ["IP:2001:db8::1"]},
        {"subject": "CN=Größe,DC=example,DC=com", "profile": "client"},
        {"subject": "emailAddress=me@example.com,CN=me", "names": ["email:me@example.com"], "profile": "client"},
        {"subject": "/C=AT/O=Example/CN=me+serialNumber=42", "profile": "client"},
        {"names": ["www.example.com"], "copy": frozenset({"subject"})},
    ],
    ids=str,
)
def test_pkilint_has_nothing_against_each_kind_of_name(chains: Chains, order: dict[str, object]) -> None:
    leaf = chains.sign(chains.authority("P-256"), Order(csr=chains.request("P-256"), **order))  # type: ignore[arg-type]
    assert findings(leaf) == []


@pytest.mark.parametrize(
    ("subject", "parent", "more"),
    [
        (
            "CN=Constrained",
            True,
            {"permitted": ["DNS:example.com", "IP:192.0.2.0/24"], "excluded": ["email:a.org"]},
        ),
        ("CN=Constrained", True, {"permitted": ["dirname:O=Example", "URI:.example.com"]}),
        ("/C=AT/O=Example/CN=Path", True, {"path_length": 0}),
        ("CN=Path", False, {"path_length": 3}),
        ("CN=Long", False, {"expires": dt.datetime(2060, 1, 1, tzinfo=dt.UTC)}),
        ("CN=Forever", False, {"expires": dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)}),
    ],
)
def test_pkilint_has_nothing_against_authorities_with_constraints_or_long_lives(
    chains: Chains, subject: str, parent: bool, more: dict[str, object]
) -> None:
    above = chains.authority("P-256") if parent else None
    authority = chains.installation.authorities.create(
        f"{subject} {more}",
        subject,
        parent=above,
        **more,  # type: ignore[arg-type]
    )
    assert findings(authority.certificate) == []


def _add(value: x509.ExtensionType, critical: bool) -> Callable[[x509.CertificateBuilder], x509.CertificateBuilder]:
    return lambda builder: builder.add_extension(value, critical)


_ENCIPHERS: Final = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
_SIGNS: Final = x509.KeyUsage(True, False, False, False, False, False, False, False, False)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (_add(_ENCIPHERS, True), "pkix.key_usage_value_prohibited_for_ec"),
        (_add(_SIGNS, False), "pkix.key_usage_extension_not_critical"),
        (_add(x509.SubjectKeyIdentifier(b"x"), True), "pkix.certificate_skid_extension_critical"),
        (
            _add(x509.SubjectAlternativeName([x509.DNSName("not a name")]), False),
            "pkix.invalid_domain_name_syntax",
        ),
        (_add(_SIGNS, True), "pkix.authority_key_identifier_extension_absent"),
    ],
)
def test_pkilint_finds_a_seeded_fault(
    fault: Callable[[x509.CertificateBuilder], x509.CertificateBuilder], code: str
) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "faulty")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
    )
    assert code in findings(fault(builder).sign(key, hashes.SHA256()))
