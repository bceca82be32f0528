"""RSASSA-PSS signatures (RFC 4055): hash, mask and salt that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import SignatureAlgorithmOID

from anchorhold import errors
from anchorhold.algorithms import KeySpec
from anchorhold.ledger import IssuancePolicy
from anchorhold.operations.order import Order
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

RSA = ("--key-type=RSA", "--key-size=2048", "--rsa-padding=pss")


@pytest.mark.parametrize("digest", [None, "SHA-384", "SHA-512"])
def test_root_issuing_ca_and_leaf_verify_with_openssl(
    digest: str | None, anchorhold: Command, csr_file: Path, tmp_path: Path
) -> None:
    hashing = () if digest is None else (f"--algorithm={digest}",)
    made = (
        ("init-ca", "Root", "CN=Root", *RSA, *hashing, "--out=root.pem"),
        ("init-ca", "Issuing", "CN=Issuing", "--parent=Root", *RSA, *hashing, "--out=issuing.pem"),
        ("sign-cert", "--ca=Issuing", f"--csr={csr_file}", "--alt=pss.example", "--out=cert.pem"),
    )
    for command in made:
        outcome = anchorhold(*command)
        assert outcome.exit_code == 0, outcome.talk
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "cert.pem")
    for name in ("root.pem", "issuing.pem", "cert.pem"):
        certificate = x509.load_pem_x509_certificate((tmp_path / name).read_bytes())
        assert certificate.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
        parameters, used = certificate.signature_algorithm_parameters, certificate.signature_hash_algorithm
        assert isinstance(parameters, padding.PSS)
        assert used is not None
        assert used.name == (digest or "SHA-256").lower().replace("-", "")
        assert parameters._salt_length == used.digest_size


def test_the_padding_can_be_changed_later(installation: Installation, make_csr: MakeCsr) -> None:
    root = installation.authorities.create("Root", "CN=Root", key=KeySpec(type="RSA", size=2048))
    installation.authorities.edit(root, issuing=IssuancePolicy(rsa_padding="pss"))
    with installation.certificates.issuer("Root") as issuer:
        certificate = issuer.sign(Order(csr=make_csr(), names=["pss.example"])).certificate
    assert certificate.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    certificate.verify_directly_issued_by(root.certificate)


@pytest.mark.parametrize(
    "options", [("--rsa-padding=pss",), ("--key-type=Ed25519", "--rsa-padding=pss"), (*RSA[:2], "--rsa-padding=oaep")]
)
def test_a_padding_that_does_not_fit_is_refused(options: tuple[str, ...], anchorhold: Command) -> None:
    outcome = anchorhold("init-ca", "Root", "CN=Root", *options)
    assert (outcome.exit_code, outcome.talk.count("\n")) == (errors.KeyUnsupportedError.exit_code, 1)
    assert "RSA padding" in outcome.talk


def test_edit_ca_refuses_a_padding_for_another_key(anchorhold: Command) -> None:
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0
    assert anchorhold("edit-ca", "Root", "--rsa-padding=pss").exit_code == errors.KeyUnsupportedError.exit_code
