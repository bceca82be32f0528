"""pkilint finds no error and no warning in full and in partial lists; seeded faults prove that it would."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint import pkix
from pkilint.cabf import cabf_crl
from pkilint.loader import RFC5280CertificateListDocumentLoader
from pkilint.pkix import crl, extension, name
from pkilint.validation import ValidationFindingSeverity

from anchorhold import IssuancePolicy, key_spec
from anchorhold.x509.crl_entries import REASONS
from conformance.chains import KEYS
from revocation.crl_steps import leaf, made_by, serial_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.installation import Installation
    from conftest import MakeCsr

SHARDS: Final = IssuancePolicy(crl_urls=("http://crl.example.com/{shard}.crl",), crl_shards=2)
TYPE: Final = crl.CertificateRevocationListType.CRL
LINTERS: Final = {
    profile: crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container(validity),
            crl.create_extensions_validator_container([]),
            *more,
        ],
    )
    for profile, validity, more in (
        ("RFC 5280", [], []),
        (
            "Baseline Requirements",
            [cabf_crl.create_validity_period_validator(TYPE)],
            [cabf_crl.CabfCrlReasonCodeAllowlistValidator(TYPE)],
        ),
    )
}
"""What ``lint_crl`` runs."""
PUBLIC_REASONS: Final = {reason for reason in REASONS if reason not in ("cACompromise", "aACompromise")} - {
    "certificateHold"
}
"""Those that the CA/Browser Forum allows for certificates of servers."""


def findings(der: bytes, profile: str = "RFC 5280") -> list[str]:
    """What pkilint has against a list: fatal, error and warning."""
    document = RFC5280CertificateListDocumentLoader().load_der_document(der)
    return [
        str(description.finding.code)
        for result in LINTERS[profile].validate(document.root)
        for description in result.finding_descriptions
        if description.finding.severity <= ValidationFindingSeverity.WARNING
    ]


@pytest.mark.parametrize("kind", [*KEYS, "ML-DSA-65"])
def test_pkilint_has_nothing_against_lists_of_each_kind_of_key(
    kind: str, installation: Installation, make_csr: MakeCsr
) -> None:
    spec = KEYS.get(kind) or key_spec(kind)
    root = installation.authorities.create("Root", "CN=Root,O=Example,C=AT", key=spec, issuing=SHARDS)
    lists = made_by(installation, root)
    certs = [serial_of(leaf(installation, root, make_csr())) for _ in range(3)]
    for serial in certs:
        installation.revocations.revoke(serial, "keyCompromise")
    lists += made_by(installation, root)
    assert len(lists) == 6
    for each in lists:
        assert findings(each.public_bytes(Encoding.DER)) == []


def test_pkilint_has_nothing_against_any_entry(installation: Installation, make_csr: MakeCsr) -> None:
    root = installation.authorities.create("Root", "CN=Root")
    csr = make_csr()
    for reason in REASONS:
        for invalidity in (None, dt.datetime(2020, 1, 1, tzinfo=dt.UTC)):
            installation.revocations.revoke(serial_of(leaf(installation, root, csr)), reason, invalidity)
    (made,) = installation.crls.generate(root)
    assert len(x509.load_der_x509_crl(made.der)) == 2 * len(REASONS)
    assert findings(made.der) == []


def test_pkilint_has_nothing_against_lists_of_public_authorities(installation: Installation, make_csr: MakeCsr) -> None:
    root = installation.authorities.create("Root", "CN=Root,O=Example,C=AT", issuing=SHARDS)
    csr = make_csr()
    for reason in sorted(PUBLIC_REASONS):
        installation.revocations.revoke(serial_of(leaf(installation, root, csr)), reason)
    for made in installation.crls.generate(root):
        assert findings(made.der, "Baseline Requirements") == []


Builder = x509.CertificateRevocationListBuilder


def _number(builder: Builder) -> Builder:
    return builder.add_extension(x509.CRLNumber(1), critical=False)


def _critical_number(builder: Builder) -> Builder:
    return builder.add_extension(x509.CRLNumber(1), critical=True)


@pytest.mark.parametrize("fault", [_number, _critical_number])
def test_pkilint_finds_a_seeded_fault(fault: Callable[[Builder], Builder]) -> None:
    now = dt.datetime.now(dt.UTC)
    builder = Builder(x509.Name.from_rfc4514_string("CN=Root"), now, now + dt.timedelta(days=1))
    made = fault(builder).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    assert findings(made.public_bytes(Encoding.DER)) != []
