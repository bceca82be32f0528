"""openssl, at its strictest, accepts every chain: all kinds of keys above, all kinds below, mixed and long ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anchorhold import IssuancePolicy, Order
from conformance.chains import ACCEPTED, KEYS, Chains, installation_in, openssl_verdict
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Command

MIXED = [
    ("RSA", "P-256"),
    ("P-256", "RSA"),
    ("P-384", "Ed25519"),
    ("Ed25519", "P-521"),
    ("Ed448", "brainpoolP256r1"),
    ("brainpoolP256r1", "Ed448"),
    ("RSA", "Ed25519"),
]


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    with installation_in(tmp_path_factory.mktemp("chains")) as installation:
        yield Chains(installation)


@pytest.mark.parametrize("leaf", KEYS)
@pytest.mark.parametrize("authorities", KEYS)
def test_openssl_accepts_each_kind_of_leaf_below_each_kind_of_authority(
    chains: Chains, tmp_path: Path, authorities: str, leaf: str
) -> None:
    issuing = chains.issuing(authorities)
    order = Order(csr=chains.request(leaf), names=["www.example.com", "IP:192.0.2.1"])
    certificate = chains.sign(issuing, order)
    purpose = ("-purpose", "sslserver", "-verify_hostname", "www.example.com")
    assert openssl_verdict(tmp_path, certificate, chains.above(issuing), *purpose) == ACCEPTED


@pytest.mark.parametrize(("root", "issuing"), MIXED)
def test_openssl_accepts_a_root_and_an_issuing_authority_with_different_keys(
    chains: Chains, tmp_path: Path, root: str, issuing: str
) -> None:
    authority = chains.issuing(root, issuing)
    certificate = chains.sign(authority, Order(csr=chains.request("P-256"), names=["www.example.com"]))
    assert openssl_verdict(tmp_path, certificate, chains.above(authority)) == ACCEPTED


def test_openssl_accepts_a_chain_of_four_authorities(chains: Chains, tmp_path: Path) -> None:
    authority = chains.authority("P-256")
    for kind in ("RSA", "Ed25519", "P-384"):
        authority = chains.authority(kind, below=authority)
    certificate = chains.sign(authority, Order(csr=chains.request("Ed448"), names=["www.example.com"]))
    above = chains.above(authority)
    assert len(above) == 4
    assert openssl_verdict(tmp_path, certificate, above) == ACCEPTED


def test_openssl_refuses_the_chain_without_its_issuing_authority(chains: Chains, tmp_path: Path) -> None:
    """The verdict of the other tests can be a refusal."""
    authority = chains.issuing("P-256")
    certificate = chains.sign(authority, Order(csr=chains.request("P-256"), names=["www.example.com"]))
    code, words = openssl_verdict(tmp_path, certificate, chains.above(authority)[1:])
    assert code == 2
    assert "unable to get local issuer certificate" in words


@pytest.mark.parametrize("wanted", [None, "SHA-224", "SHA-256", "SHA-384", "SHA-512"])
@pytest.mark.parametrize(("kind", "own"), [("RSA", "sha256"), ("P-384", "sha384"), ("brainpoolP256r1", "sha256")])
def test_openssl_accepts_each_hash_and_finds_the_one_that_was_asked_for(
    chains: Chains, tmp_path: Path, kind: str, own: str, wanted: str | None
) -> None:
    root = chains.installation.authorities.create(
        f"{kind} {wanted}", "CN=Hash", key=KEYS[kind], issuing=IssuancePolicy(hash=wanted)
    )
    certificate = chains.sign(root, Order(csr=chains.request("P-256"), names=["www.example.com"]))
    expected = own if wanted is None else wanted.replace("-", "").lower()
    found = [each.signature_hash_algorithm for each in (root.certificate, certificate)]
    assert [digest.name for digest in found if digest is not None] == [expected, expected]
    # openssl's default security level asks for 112 bits, which SHA-224 has
    assert openssl_verdict(tmp_path, certificate, [root.certificate]) == ACCEPTED


@pytest.mark.parametrize(
    ("profile", "purpose"),
    [
        ("webserver", "sslserver"),
        ("client", "sslclient"),
        ("server-and-client", "sslserver"),
        ("server-and-client", "sslclient"),
        ("ocsp", "ocsphelper"),
        ("intermediate", "crlsign"),
    ],
)
@pytest.mark.parametrize("leaf", ["RSA", "P-256", "Ed25519"])
def test_openssl_accepts_a_certificate_for_the_purpose_of_its_profile(
    chains: Chains, tmp_path: Path, profile: str, purpose: str, leaf: str
) -> None:
    authority = chains.authority("P-256")
    order = Order(csr=chains.request(leaf), names=["www.example.com"], profile=profile)
    certificate = chains.sign(authority, order)
    assert openssl_verdict(tmp_path, certificate, chains.above(authority), "-purpose", purpose) == ACCEPTED


@pytest.mark.parametrize(("profile", "purpose"), [("webserver", "sslclient"), ("client", "sslserver")])
def test_openssl_refuses_a_certificate_for_the_purpose_of_another_profile(
    chains: Chains, tmp_path: Path, profile: str, purpose: str
) -> None:
    authority = chains.authority("P-256")
    order = Order(csr=chains.request("P-256"), names=["www.example.com"], profile=profile)
    code, words = openssl_verdict(tmp_path, chains.sign(authority, order), chains.above(authority), "-purpose", purpose)
    assert code == 2
    assert "unsuitable certificate purpose" in words


def test_openssl_accepts_what_an_authority_signs_whose_key_openssl_keeps(chains: Chains, tmp_path: Path) -> None:
    """The profile `intermediate`: anchorhold certifies the authority, openssl signs with it."""
    key, csr, extensions = tmp_path / "sub.key", tmp_path / "sub.csr", tmp_path / "leaf.ext"
    openssl("req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", csr, "-subj", "/CN=Elsewhere")
    authority = chains.authority("P-256")
    order = Order(csr=csr.read_bytes(), subject="CN=Elsewhere", profile="intermediate")
    elsewhere = chains.sign(authority, order)
    (tmp_path / "sub.pem").write_bytes(elsewhere.public_bytes(Encoding.PEM))
    (tmp_path / "leaf.csr").write_bytes(chains.request("P-256"))
    extensions.write_text("subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nbasicConstraints=critical,CA:FALSE")
    by_sub = ("-CA", tmp_path / "sub.pem", "-CAkey", key, "-extfile", extensions)
    pem = openssl("x509", "-req", "-in", tmp_path / "leaf.csr", *by_sub)
    leaf = x509.load_pem_x509_certificate(pem.encode())
    assert openssl_verdict(tmp_path, leaf, [elsewhere, *chains.above(authority)]) == ACCEPTED


@pytest.mark.parametrize("identifier", ["hash", "none", "01020304"])
def test_openssl_accepts_what_an_imported_authority_of_openssl_signs(
    anchorhold: Command, chains: Chains, tmp_path: Path, identifier: str
) -> None:
    """Its name is in PrintableString and T61String, and its key identifier is its own: both are kept as they are."""
    config = tmp_path / "root.cnf"
    config.write_text(
        f"[req]\nstring_mask=nombstr\nprompt=no\ndistinguished_name=name\nx509_extensions=root\n"
        f"[name]\nC=AT\nO=Example\nCN=Root & Söhne {identifier}\n"
        f"[root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
        f"subjectKeyIdentifier={identifier}\n"
    )
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-config", config, "-keyout", "ca.key", "-out", "ca.pem")
    imported = anchorhold("import-ca", "Imported", "ca.key", "ca.pem")
    assert imported.exit_code == 0, imported.talk
    (tmp_path / "leaf.csr").write_bytes(chains.request("P-256"))
    signed = anchorhold("sign-cert", "--ca", "Imported", "--csr", "leaf.csr", "--alt", "www.example.com")
    assert signed.exit_code == 0, signed.talk
    root, leaf = (x509.load_pem_x509_certificate(pem) for pem in ((tmp_path / "ca.pem").read_bytes(), signed.data))
    assert leaf.issuer.public_bytes() == root.subject.public_bytes()
    assert openssl("verify", "-CAfile", "ca.pem", stdin=signed.data) == "stdin: OK\n"


@pytest.mark.parametrize("kind", KEYS)
def test_the_certificate_contains_the_very_key_of_the_request(chains: Chains, kind: str) -> None:
    csr = chains.request(kind)
    certificate = chains.sign(chains.authority("P-256"), Order(csr=csr, names=["www.example.com"]))
    pem = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert pem == openssl("req", "-noout", "-pubkey", stdin=csr)
