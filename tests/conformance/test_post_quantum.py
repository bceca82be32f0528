"""ML-DSA (FIPS 204, RFC 9881): authorities and leaves, pure and mixed with other keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.x509.oid import SignatureAlgorithmOID

from anchorhold.algorithms import KeySpec, key_spec
from anchorhold.errors import KeyUnsupportedError
from anchorhold.operations.order import Order

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

KINDS = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")
INTERFACES = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)
SIZES = {"ML-DSA-44": 2420, "ML-DSA-65": 3309, "ML-DSA-87": 4627}
"""Octets of a signature (FIPS 204, table 2)."""


def _verified_chain(installation: Installation, issuing: str, leaf: x509.Certificate) -> list[x509.Certificate]:
    """The chain up to the root, each certificate verified by the one above it with cryptography."""
    chain = [
        leaf,
        *(above.certificate for above in installation.authorities.chain(issuing)),
    ]
    for below, above in zip(chain, [*chain[1:], chain[-1]], strict=True):
        below.verify_directly_issued_by(above)
    return chain


@pytest.mark.parametrize("kind", KINDS)
def test_authorities_and_leaves_with_ml_dsa_keys_verify(
    kind: str, installation: Installation, make_csr: MakeCsr
) -> None:
    installation.authorities.create(
        "Root", "CN=Root", key=key_spec(kind), path_length=1, secrets={"password": "secret"}
    )
    installation.authorities.create(
        "Issuing", "CN=Issuing", parent="Root", key=key_spec(kind), path_length=0, parent_secrets={"password": "secret"}
    )
    with installation.certificates.issuer("Issuing") as issuer:
        leaf = issuer.sign(Order(csr=make_csr(key_spec(kind)), names=["pq.example"])).certificate
    for certificate in _verified_chain(installation, "Issuing", leaf):
        assert isinstance(certificate.public_key(), INTERFACES)
        assert certificate.signature_algorithm_oid.dotted_string.startswith("2.16.840.1.101.3.4.3.")
        assert len(certificate.signature) == SIZES[kind]
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_agreement) == (True, False, False)


def test_an_ml_dsa_root_over_an_ec_issuing_ca_and_an_rsa_leaf(installation: Installation, make_csr: MakeCsr) -> None:
    installation.authorities.create("Root", "CN=Root", key=key_spec("ML-DSA-65"), path_length=1)
    installation.authorities.create("Issuing", "CN=Issuing", parent="Root", key=key_spec("EC"), path_length=0)
    with installation.certificates.issuer("Issuing") as issuer:
        leaf = issuer.sign(Order(csr=make_csr(KeySpec(type="RSA", size=2048)), names=["mixed.example"])).certificate
    chain = _verified_chain(installation, "Issuing", leaf)
    assert chain[0].signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256
    assert [len(certificate.signature) == SIZES["ML-DSA-65"] for certificate in chain] == [False, True, True]


def test_the_command_line_makes_and_shows_them(anchorhold: Command) -> None:
    assert anchorhold("init-ca", "Root", "CN=Root", "--key-type", "ml-dsa-65").exit_code == 0
    assert "ML-DSA-65" in anchorhold("view-ca", "Root").text


def test_they_take_no_size_curve_or_hash() -> None:
    with pytest.raises(KeyUnsupportedError, match="have a fixed size"):
        key_spec("ML-DSA-65", size=2048)
    with pytest.raises(KeyUnsupportedError, match="no curve"):
        key_spec("ML-DSA-65", curve="P-256")
    with pytest.raises(KeyUnsupportedError, match="a fixed hash"):
        key_spec("ML-DSA-65").algorithm("SHA-256")
