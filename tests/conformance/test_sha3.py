"""Signatures over SHA-3 (FIPS 202; object identifiers of NIST's algorithms registry)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import IssuancePolicy, KeySpec, Order, key_spec
from anchorhold.errors import KeyUnsupportedError
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command, MakeCsr

KEYS = {
    "EC": (key_spec("EC"), None),
    "RSA": (KeySpec(type="RSA", size=2048), None),
    "RSA with PSS": (KeySpec(type="RSA", size=2048), "pss"),
}


@pytest.mark.parametrize("digest", ["SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"])
@pytest.mark.parametrize("kind", KEYS)
def test_authorities_and_leaves_verify(installation: Installation, make_csr: MakeCsr, kind: str, digest: str) -> None:
    spec, padding = KEYS[kind]
    issuing = IssuancePolicy(hash=digest, rsa_padding=padding)
    root = installation.authorities.create("Root", "CN=Root", key=spec, issuing=issuing, even_so=True)
    with installation.certificates.issuer("Root") as issuer:
        leaf = issuer.sign(Order(csr=make_csr(), names=["sha3.example"])).certificate
    for certificate in (root.certificate, leaf):
        certificate.verify_directly_issued_by(root.certificate)
        assert certificate.signature_hash_algorithm is not None
        assert certificate.signature_hash_algorithm.name == digest.lower()


def test_openssl_verifies_them(anchorhold: Command, csr_file: Path) -> None:
    """RSA only: its release 3.0 does not know ECDSA with SHA-3 in certificates."""
    rsa = ("--key-type=RSA", "--key-size=2048", "--algorithm=sha3-384")
    assert anchorhold("init-ca", "Root", "CN=Root", *rsa, "--out=root.pem").exit_code == 0
    assert anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--out=c.pem").exit_code == 0
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "c.pem")


@pytest.mark.parametrize("spelling", ["SHA3-256", "sha3-256", "SHA-3-256", "sha3256"])
def test_it_is_kept_in_its_standard_spelling(installation: Installation, spelling: str) -> None:
    root = installation.authorities.create("Root", "CN=Root")
    edited = installation.authorities.edit(root, issuing=IssuancePolicy(hash=spelling), even_so=True)
    assert edited.record.issuing.hash == "SHA3-256"


def test_it_does_not_apply_to_keys_with_a_hash_of_their_own(installation: Installation) -> None:
    with pytest.raises(KeyUnsupportedError, match="a fixed hash"):
        installation.authorities.create(
            "Root", "CN=Root", key=key_spec("Ed25519"), issuing=IssuancePolicy(hash="SHA3-256")
        )
