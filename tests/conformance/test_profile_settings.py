"""What profiles in the settings put into certificates, read back by cryptography and by openssl."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from anchorhold import IssuancePolicy, Order, open_installation
from anchorhold.errors import ProfileRefusedError, SettingsError, ValidityError
from anchorhold.profiles import BUILT_IN
from anchorhold.x509.validity import LATEST
from conformance.chains import request
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold import Installation

pytestmark = pytest.mark.usefixtures("database")

SETTINGS = """
[profiles.rich]
subject = "O=Example,C=AT"
extended_key_usage = ["serverAuth"]
tls_features = ["status_request"]
policies = ["1.3.6.1.4.1.99999.7", { oid = "1.3.6.1.4.1.99999.8", cps = ["https://cps.example/"], notice = "Grüße" }]

[[profiles.rich.extensions]]
oid = "1.3.6.1.4.1.99999.1"
text = "Größe 7"

[[profiles.rich.extensions]]
oid = "1.3.6.1.4.1.99999.2"
critical = true
der = "30:06:02:01:2a:01:01:ff"

[profiles.short]
days = 5
max_days = 10

[profiles.behind]
backdate_minutes = 90
days = 1

[profiles.tenant]
key_usage = ["keyCertSign", "cRLSign"]
ca = true
path_length = 0
days = 400
max_days = 800
extended_key_usage = ["serverAuth", "clientAuth"]
permitted_names = ["DNS:tenant.example"]
excluded_names = ["IP:0.0.0.0/0", "IP:::/0"]
policies = ["anyPolicy"]
"""
HOST = "www.tenant.example"


@pytest.fixture
def rich(tmp_path: Path) -> Iterator[Installation]:
    """An installation with these profiles, and a root."""
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS)
    with open_installation(config) as opened:
        opened.authorities.create("Root", "CN=Root")
        yield opened


def signed(installation: Installation, profile: str, authority: str = "Root", **order: object) -> x509.Certificate:
    """A certificate by that profile."""
    with installation.certificates.issuer(authority) as issuer:
        wanted = {"csr": request("P-256"), "names": [HOST], "profile": profile, **order}
        return issuer.sign(Order(**wanted)).certificate  # type: ignore[arg-type]


def value(certificate: x509.Certificate, oid: str) -> tuple[bool, bytes]:
    """Criticality and DER of an extension without a class of its own."""
    found = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid))
    assert isinstance(found.value, x509.UnrecognizedExtension)
    return found.critical, found.value.value


def test_subject_policies_must_staple_and_custom_extensions(rich: Installation) -> None:
    certificate = signed(rich, "rich")
    assert certificate.subject.rfc4514_string() == f"CN={HOST},O=Example,C=AT"
    staple = certificate.extensions.get_extension_for_class(x509.TLSFeature)
    assert (staple.critical, list(staple.value)) == (False, [x509.TLSFeatureType.status_request])
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [(policy.policy_identifier.dotted_string, policy.policy_qualifiers) for policy in policies] == [
        ("1.3.6.1.4.1.99999.7", None),
        ("1.3.6.1.4.1.99999.8", ["https://cps.example/", x509.UserNotice(None, "Grüße")]),
    ]
    assert value(certificate, "1.3.6.1.4.1.99999.1") == (False, b"\x0c\x09Gr\xc3\xb6\xc3\x9fe 7")
    assert value(certificate, "1.3.6.1.4.1.99999.2") == (True, bytes.fromhex("300602012a0101ff"))


def test_openssl_reads_them_all(rich: Installation, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    (tmp_path / "rich.pem").write_bytes(signed(rich, "rich").public_bytes(Encoding.PEM))
    text = openssl("x509", "-in", tmp_path / "rich.pem", "-noout", "-text")
    for words in (
        "status_request",
        "CPS: https://cps.example/",
        "1.3.6.1.4.1.99999.7",
        "1.3.6.1.4.1.99999.2: critical",
    ):
        assert words in text


def test_the_subject_of_a_profile_gives_way_to_one_that_was_ordered(rich: Installation) -> None:
    assert signed(rich, "rich", subject="CN=Mine").subject.rfc4514_string() == "CN=Mine"


@pytest.mark.parametrize(
    ("name", "names", "usage", "purpose", "critical"),
    [
        ("email", ["email:me@example.com"], {"digital_signature", "key_agreement"}, "EMAIL_PROTECTION", False),
        ("codesigning", [], {"digital_signature"}, "CODE_SIGNING", False),
        ("timestamping", [], {"digital_signature", "content_commitment"}, "TIME_STAMPING", True),
    ],
)
def test_built_in_profiles_for_mail_programs_and_time(
    rich: Installation, name: str, names: list[str], usage: set[str], purpose: str, critical: bool
) -> None:
    certificate = signed(rich, name, names=names, subject="CN=Someone")
    bits = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    every = ("digital_signature", "content_commitment", "key_encipherment", "key_agreement", "key_cert_sign")
    assert {bit for bit in every if getattr(bits, bit)} == usage
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert (list(purposes.value), purposes.critical) == ([getattr(ExtendedKeyUsageOID, purpose)], critical)


def test_a_mail_certificate_has_mail_addresses_only(rich: Installation) -> None:
    with pytest.raises(ProfileRefusedError, match=r"DNS:www.*is of a kind of name that profile 'email' does not allow"):
        signed(rich, "email", names=["email:me@example.com", "DNS:www.example.com"])
    assert signed(rich, "email", names=["me@example.com"]).subject.rfc4514_string() == "CN=me@example.com"


def days(certificate: x509.Certificate) -> float:
    """How long it is valid."""
    return (certificate.not_valid_after_utc - certificate.not_valid_before_utc) / dt.timedelta(days=1)


def test_validity_is_bounded_by_the_profile(rich: Installation) -> None:
    assert days(signed(rich, "short")) == 5
    now = dt.datetime.now(dt.UTC)
    assert 8.9 < days(signed(rich, "short", expires=now + dt.timedelta(days=9))) < 9.1
    with pytest.raises(ValidityError, match="profile 'short' allows"):
        signed(rich, "short", expires=now + dt.timedelta(days=11))


def test_nothing_is_valid_after_the_last_moment_there_is(rich: Installation) -> None:
    """Of RFC 5280, section 4.1.2.5; a ledger may have the bound of an authority from elsewhere."""
    rich.authorities.create("Endless", "CN=Endless", expires=LATEST)
    with rich.ledger.transaction():
        issuing = json.dumps({"max_days": 99_999_999})
        rich.ledger.database.execute_sql(f"UPDATE anchorhold_authority SET issuing = '{issuing}'")  # noqa: S608
    certificate = signed(rich, "client", "Endless", expires=LATEST)
    assert certificate.not_valid_after_utc == LATEST
    assert days(signed(rich, "client", "Endless")) == 90


def test_validity_is_bounded_by_the_authority(rich: Installation) -> None:
    rich.authorities.create("Brief", "CN=Brief", issuing=IssuancePolicy(max_days=3))
    assert days(signed(rich, "short", "Brief")) == 3
    with pytest.raises(ValidityError, match="'Brief' allows"):
        signed(rich, "short", "Brief", expires=dt.datetime.now(dt.UTC) + dt.timedelta(days=4))


def test_a_backdated_certificate_is_valid_for_clocks_that_are_behind(rich: Installation) -> None:
    """But not before its issuer, which was made a moment ago."""
    root = rich.authorities.get("Root").certificate
    certificate = signed(rich, "behind")
    assert certificate.not_valid_before_utc == root.not_valid_before_utc
    assert days(certificate) == 1


def test_an_authority_is_made_by_a_profile_of_the_settings(rich: Installation) -> None:
    tenant = rich.authorities.create(
        "Tenant", "CN=Tenant", parent="Root", profile="tenant", permitted=["DNS:t.example"]
    )
    held = tenant.certificate.extensions
    assert list(held.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    constraints = held.get_extension_for_class(x509.NameConstraints).value
    assert [name.value for name in constraints.permitted_subtrees or ()] == ["tenant.example", "t.example"]
    assert len(constraints.excluded_subtrees or ()) == 2
    assert held.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert days(tenant.certificate) == 400


def test_policies_hold_along_a_chain_for_openssl(rich: Installation, tmp_path: Path) -> None:
    """A policy of a leaf counts only where the authorities above it carry it, or anyPolicy (RFC 5280, section 6.1)."""
    from cryptography.hazmat.primitives.serialization import Encoding

    rich.authorities.create(
        "Tenant",
        "CN=Tenant",
        parent="Root",
        profile="tenant",
        issuing=IssuancePolicy(policies=("1.3.6.1.4.1.99999.9",)),
    )
    chain = {
        "root": rich.authorities.get("Root").certificate,
        "tenant": rich.authorities.get("Tenant").certificate,
        "leaf": signed(rich, "webserver", "Tenant"),
    }
    for name, certificate in chain.items():
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    verify = ("verify", "-x509_strict", "-policy_check", "-explicit_policy", "-policy", "1.3.6.1.4.1.99999.9")
    openssl(*verify, "-CAfile", "root.pem", "-untrusted", "tenant.pem", "leaf.pem")


def test_an_authority_signs_by_its_own_default_profile(rich: Installation) -> None:
    rich.authorities.create("Clients", "CN=Clients", issuing=IssuancePolicy(profile="client"))
    with rich.certificates.issuer("Clients") as issuer:
        certificate = issuer.sign(Order(csr=request("P-256"), names=[HOST])).certificate
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_default_profile_that_has_become_one_of_authorities_signs_nothing_unnamed(rich: Installation) -> None:
    rich.authorities.create("Below", "CN=Below", issuing=IssuancePolicy(profile="client"))
    rich.loaded.settings.profiles["client"] = BUILT_IN["intermediate"]
    with rich.certificates.issuer("Below") as issuer, pytest.raises(ProfileRefusedError, match="not for a default"):
        issuer.sign(Order(csr=request("P-256"), subject="CN=x"))


def test_an_authority_writes_its_alternative_names_into_what_it_signs(rich: Installation) -> None:
    issuing = IssuancePolicy(issuer_alt=("URI:https://pki.example/", "email:pki@example.com"))
    rich.authorities.create("Named", "CN=Named", issuing=issuing)
    found = signed(rich, "webserver", "Named").extensions.get_extension_for_class(x509.IssuerAlternativeName)
    assert [name.value for name in found.value] == ["https://pki.example/", "pki@example.com"]
    assert not found.critical


def test_a_profile_for_leaves_makes_no_authority(rich: Installation) -> None:
    with pytest.raises(ProfileRefusedError, match="ca = true"):
        rich.authorities.create("Web", "CN=Web", profile="webserver")
    assert [authority.name for authority in rich.authorities.list()] == ["Root"]


NOT_DER = {
    "a boolean that is neither (X.690, section 11.1)": "010101",
    "a boolean of two octets": "0102ffff",
    "an integer with an octet too many (section 8.3.2)": "02020001",
    "a negative integer with an octet too many": "0202ff80",
    "an integer of no octets": "0200",
    "an enumeration with an octet too many": "0a020001",
    "a null with content": "050141",
    "bits without the number of unused ones": "0300",
    "bits of which nine are not used": "03020900",
    "bits that are not used and set (section 11.2.1)": "03020301",
    "an identifier that does not end": "06022a86",
    "an identifier with an octet too many": "06032a8001",
    "an identifier of no octets": "0600",
    "UTF-8 that is none": "0c01ff",
    "a printable text that is not": "13012a",
    "digits that are none": "120141",
    "ASCII that is none": "1601ff",
    "a visible text that is not": "1a0107",
    "half a letter of BMP": "1e0100",
    "a universal text that is none": "1c0400110000",
    "a time without seconds (section 11.8)": "170b323630313031303030305a",
    "a time with a zero at its end (section 11.7)": "181132303236303130313030303030302e305a",
    "a sequence that is not constructed": "1000",
    "an integer that is constructed": "2203020101",
    "an end of contents": "0000",
    "a set in disorder (section 11.6)": "3106020102020101",
    "a disordered set inside": "30083106020102020101",
}
DER = [
    *("0101ff", "010100", "020100", "02020080", "0201ff", "0a0105", "0500", "030100", "030203f8", "06032a8648"),
    *("0c00", "0c02c3a4", "1303412042", "12023132", "160140", "1a0141", "1e020041", "1c0400000041", "1404e9e9e9e9"),
    *("170d3236303130313030303030305a", "180f32303236303130313030303030305a", "181132303236303130313030303030302e315a"),
    *("3000", "3100", "3106020101020102", "31053000130141", "300613014102012a", "8101ff", "a1020500", "80020001"),
]

CONTRADICTIONS = {
    "keyCertSign without being an authority (RFC 5280, section 4.2.1.9)": 'key_usage = ["keyCertSign"]',
    "an authority that may not sign (section 4.2.1.3)": 'ca = true\nkey_usage = ["digitalSignature"]',
    "a path length without being an authority (section 4.2.1.9)": "path_length = 1",
    "name constraints without being an authority (section 4.2.1.10)": 'permitted_names = ["DNS:example.com"]',
    "no key usage at all (section 4.2.1.3)": "key_usage = []",
    "a purpose that is none": 'extended_key_usage = ["server"]',
    "a purpose twice": 'extended_key_usage = ["serverAuth", "1.3.6.1.5.5.7.3.1"]',
    "critical purposes, and none": "extended_key_usage_critical = true",
    "any purpose, critically (section 4.2.1.12)": (
        'extended_key_usage = ["anyExtendedKeyUsage"]\nextended_key_usage_critical = true'
    ),
    "time stamping that is not critical (RFC 3161, section 2.3)": 'extended_key_usage = ["timeStamping"]',
    "time stamping beside another purpose (RFC 3161, section 2.3)": (
        'extended_key_usage = ["timeStamping", "codeSigning"]\nextended_key_usage_critical = true'
    ),
    "time stamping with purposes of the request": (
        'extended_key_usage = ["timeStamping"]\nextended_key_usage_critical = true\n'
        'copy = { extended_key_usage = ["serverAuth"] }'
    ),
    "time stamping of the request (RFC 3161, section 2.3)": (
        'extended_key_usage = ["serverAuth"]\ncopy = { extended_key_usage = ["timeStamping"] }'
    ),
    "any purpose of the request, critically (section 4.2.1.12)": (
        'extended_key_usage = ["serverAuth"]\nextended_key_usage_critical = true\n'
        'copy = { extended_key_usage = ["2.5.29.37.0"] }'
    ),
    "a name that is permitted and excluded": (
        'ca = true\nkey_usage = ["keyCertSign"]\npermitted_names = ["DNS:example.com"]\n'
        'excluded_names = ["DNS:EXAMPLE.com"]'
    ),
    "names below one that is excluded": (
        'ca = true\nkey_usage = ["keyCertSign"]\npermitted_names = ["IP:192.0.2.0/25"]\n'
        'excluded_names = ["IP:192.0.2.0/24"]'
    ),
    "alternative names of an authority, which init-ca does not give": (
        'ca = true\nkey_usage = ["keyCertSign"]\nnames_required = true'
    ),
    "a rule for all names of a kind that would copy none": 'copy = { alt = ["email:"] }',
    "no-check without being a responder (RFC 6960, section 4.2.2.2.1)": "ocsp_no_check = true",
    "a usage that is none": 'key_usage = ["sign"]',
    "no days": "days = 0",
    "more days than a thousand years": "days = 99999999",
    "a longest validity of more than a thousand years": "max_days = 99999999",
    "days that are no number": "days = true",
    "a path length that nobody can read": (
        'ca = true\nkey_usage = ["keyCertSign"]\npath_length = 99999999999999999999'
    ),
    "an identifier that nobody can read": f'extensions = [{{ oid = "2.999.{"9" * 60}.1", text = "a" }}]',
    "an attribute that nobody can read": f'copy = {{ subject = ["2.999.{"9" * 60}.1"] }}',
    "more days than the most": "days = 20\nmax_days = 10",
    "a policy twice (section 4.2.1.4)": 'policies = ["1.2.3.4", { oid = "1.2.3.4" }]',
    "a policy that is none": 'policies = ["gold"]',
    "a statement that is no URL": 'policies = [{ oid = "1.2.3.4", cps = ["here"] }]',
    "a notice of more than 200 characters (section 4.2.1.4)": (
        f'policies = [{{ oid = "1.2.3", notice = "{"x" * 201}" }}]'
    ),
    "a TLS feature that is none": 'tls_features = ["staple"]',
    "a TLS feature twice": 'tls_features = ["status_request", "status_request"]',
    "an extension twice (section 4.2)": (
        'extensions = [{ oid = "1.2.3.4", text = "a" }, { oid = "1.2.3.4", text = "b" }]'
    ),
    "a setting of an extension that is none": 'extensions = [{ oid = "1.2.3.4", txt = "a" }]',
    "an extension that has a setting": 'extensions = [{ oid = "2.5.29.19", der = "3003:0101ff" }]',
    "an extension without a value": 'extensions = [{ oid = "1.2.3.4" }]',
    "an extension with two values": 'extensions = [{ oid = "1.2.3.4", text = "a", der = "0500" }]',
    "an extension that is not hex": 'extensions = [{ oid = "1.2.3.4", der = "05 0g" }]',
    "an extension that is not DER": 'extensions = [{ oid = "1.2.3.4", der = "3003020102ff" }]',
    "an extension that is not DER inside": 'extensions = [{ oid = "1.2.3.4", der = "3003020502" }]',
    **{
        f"an extension that is not DER: {what}": f'extensions = [{{ oid = "1.2.3.4", der = "{der}" }}]'
        for what, der in NOT_DER.items()
    },
    "an extension by another name": 'extensions = [{ oid = "mine", text = "a" }]',
    "a subject that is none": 'subject = "Example"',
    "a subtree that is none": ('ca = true\nkey_usage = ["keyCertSign"]\npermitted_names = ["DNS:exa mple.com"]'),
    "a kind of name that is none": 'name_kinds = ["dns"]',
    "a rule for an attribute that is none": 'copy = { subject = ["Name"] }',
    "a rule for names that are none": 'copy = { alt = ["DNS:-x"] }',
    "a rule for an extension that the profile decides": 'copy = { extensions = ["2.5.29.15"] }',
    "a rule for something else": 'copy = { key_usage = ["digitalSignature"] }',
    "a setting that is none": 'key_usages = ["digitalSignature"]',
}


@pytest.mark.parametrize("lines", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_profile_that_makes_wrong_certificates_is_refused_when_it_is_read(tmp_path: Path, lines: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[profiles.mine]\n{lines}\n")
    with pytest.raises(SettingsError, match=r"profiles\.mine") as refused:
        open_installation(config).close()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("der", DER)
def test_any_der_is_an_extension(tmp_path: Path, der: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[[profiles.mine.extensions]]\noid = "1.2.3.4"\nder = "{der}"\n')
    open_installation(config).close()


def test_every_built_in_profile_says_what_it_is_for() -> None:
    assert all(profile.description.endswith((".", ").")) for profile in BUILT_IN.values())
