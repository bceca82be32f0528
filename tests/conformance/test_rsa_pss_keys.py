"""Keys that only make RSASSA-PSS signatures (RFC 4055, section 1.2) are certified as they describe themselves."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import PublicKeyAlgorithmOID, SignatureAlgorithmOID

from anchorhold import Order, errors, key_spec
from programs import openssl, program

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command

BOUND: dict[str, tuple[str, ...]] = {
    "no hash": (),
    "SHA-256": ("sha256", "32"),
    "SHA-512": ("sha512", "64"),
    "SHA-1": ("sha1", "20"),
    "SHA-384": ("sha384", "48"),
    "SHA-384, short salt": ("sha384", "20"),
    "SHA-256, mask with SHA-512": ("sha256", "32", "sha512"),
    "SHA-256, long salt": ("sha256", "40"),
}
SALTS = {"SHA-256, long salt": 40}


def pss_key(folder: Path, bound: str = "no hash") -> Path:
    """A file with such a key."""
    path = folder / "pss.key"
    options: list[str] = []
    if BOUND[bound]:
        digest, salt, *mask = BOUND[bound]
        mask = mask or [digest]
        options = [f"rsa_pss_keygen_md:{digest}", f"rsa_pss_keygen_mgf1_md:{mask[0]}", f"rsa_pss_keygen_saltlen:{salt}"]
    chosen = [part for option in ("rsa_keygen_bits:2048", *options) for part in ("-pkeyopt", option)]
    openssl("genpkey", "-algorithm", "RSA-PSS", *chosen, "-out", path)
    return path


def pss_request(folder: Path, bound: str = "no hash") -> bytes:
    """A request for such a key, by openssl."""
    digest = BOUND[bound][:1] or ("sha256",)
    key = pss_key(folder, bound)
    return openssl("req", "-new", "-key", key, f"-{digest[0]}", "-subj", "/CN=pss.example").encode()


@pytest.mark.parametrize("bound", ["no hash", "SHA-256", "SHA-512"])
def test_the_certificate_has_the_key_exactly_as_the_request(
    installation: Installation, tmp_path: Path, bound: str
) -> None:
    csr = pss_request(tmp_path, bound)
    installation.authorities.create("Root", "CN=Root")
    with installation.certificates.issuer("Root") as issuer:
        issued = issuer.sign(Order(csr=csr, names=["pss.example"]))
    (tmp_path / "cert.pem").write_bytes(_pem(issued.certificate))
    assert openssl("x509", "-in", "cert.pem", "-noout", "-pubkey") == openssl("req", "-noout", "-pubkey", stdin=csr)
    assert issued.certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS
    usage = issued.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == (True, False)


def test_a_key_bound_to_sha_1_is_refused(installation: Installation, tmp_path: Path) -> None:
    installation.authorities.create("Root", "CN=Root")
    with (
        installation.certificates.issuer("Root") as issuer,
        pytest.raises(errors.KeyUnsupportedError, match="not used any more"),
    ):
        issuer.sign(Order(csr=pss_request(tmp_path, "SHA-1"), names=["pss.example"]))


def test_an_ml_dsa_root_an_ec_issuing_ca_and_an_rsa_pss_leaf(installation: Installation, tmp_path: Path) -> None:
    """Each verified by the one above it, and the key of the leaf by a signature that openssl made with it."""
    installation.authorities.create("Root", "CN=Root", key=key_spec("ML-DSA-65"), path_length=1)
    installation.authorities.create("Issuing", "CN=Issuing", parent="Root", key=key_spec("EC"))
    with installation.certificates.issuer("Issuing") as issuer:
        leaf = issuer.sign(Order(csr=pss_request(tmp_path, "SHA-256"), names=["pss.example"])).certificate
    issuing, root = (above.certificate for above in installation.authorities.chain("Issuing"))
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    for name, certificate in {"leaf": leaf, "issuing": issuing}.items():
        (tmp_path / f"{name}.pem").write_bytes(_pem(certificate))
    openssl("verify", "-x509_strict", "-partial_chain", "-CAfile", "issuing.pem", "leaf.pem")
    (tmp_path / "message").write_bytes(b"signed by the leaf")
    signature = subprocess.run(
        [program("openssl"), "dgst", "-sha256", "-sign", "pss.key", "message"], capture_output=True, check=True
    ).stdout
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "public.pem").write_text(openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey"))
    pss = ("-sigopt", "rsa_padding_mode:pss")
    openssl("dgst", "-sha256", *pss, "-verify", "public.pem", "-signature", "signature", "message")


def test_an_imported_authority_with_such_a_key_signs_with_pss(
    anchorhold: Command, tmp_path: Path, csr_file: Path
) -> None:
    key = pss_key(tmp_path, "SHA-256")
    constraints = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", "-new", "-key", key, "-sha256", "-subj", "/CN=PSS root", *constraints, "-out", "root.pem")
    assert anchorhold("import-ca", "PSS", str(key), "root.pem").exit_code == 0
    assert "for RSASSA-PSS only" in anchorhold("view-ca", "PSS").text
    signed = anchorhold("sign-cert", "--ca=PSS", f"--csr={csr_file}", "--alt=a.example", "--out=cert.pem")
    assert signed.exit_code == 0, signed.talk
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "cert.pem")
    certificate = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    assert certificate.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    refused = anchorhold("edit-ca", "PSS", "--rsa-padding=pkcs1v15")
    assert refused.exit_code == errors.KeyUnsupportedError.exit_code
    assert "restricts its key to pss" in refused.talk


@pytest.mark.parametrize("bound", ["no hash", "SHA-256", "SHA-384", "SHA-512", "SHA-384, short salt"])
def test_what_a_bound_authority_signs_is_accepted(
    anchorhold: Command, tmp_path: Path, csr_file: Path, bound: str
) -> None:
    """With another hash than its key is bound to, openssl and GnuTLS refuse it (RFC 4055, section 3.3)."""
    root_of(tmp_path, bound)
    assert anchorhold("import-ca", "PSS", "pss.key", "root.pem").exit_code == 0
    assert anchorhold("sign-cert", "--ca=PSS", f"--csr={csr_file}", "--alt=a.example", "--out=cert.pem").exit_code == 0
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "cert.pem")
    assert anchorhold("generate-crls", "PSS").exit_code == 0
    assert anchorhold("dump-crl", "PSS", "-f", "pem", "-o", "list.crl").exit_code == 0
    openssl("crl", "-in", "list.crl", "-CAfile", "root.pem", "-noout")
    arguments = ["--verify", "--load-ca-certificate", "root.pem", "--infile", "cert.pem"]
    subprocess.run([program("certtool"), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("command", ["import-ca", "edit-ca"])
def test_an_authority_bound_to_a_hash_refuses_another(anchorhold: Command, tmp_path: Path, command: str) -> None:
    root_of(tmp_path, "SHA-384")
    if command == "import-ca":
        refused = anchorhold("import-ca", "PSS", "pss.key", "root.pem", "--algorithm=SHA-512")
    else:
        assert anchorhold("import-ca", "PSS", "pss.key", "root.pem", "--algorithm=sha384").exit_code == 0
        refused = anchorhold("edit-ca", "PSS", "--algorithm=SHA-512")
    assert refused.exit_code == errors.KeyUnsupportedError.exit_code
    assert "restricts its key to SHA-384" in refused.talk


@pytest.mark.parametrize("bound", ["SHA-256, mask with SHA-512", "SHA-256, long salt"])
def test_a_key_bound_to_what_is_not_used_is_not_imported(anchorhold: Command, tmp_path: Path, bound: str) -> None:
    root_of(tmp_path, bound)
    refused = anchorhold("import-ca", "PSS", "pss.key", "root.pem")
    assert refused.exit_code == errors.KeyUnsupportedError.exit_code
    assert "a hash, a mask or a salt that is not supported" in refused.talk


def root_of(folder: Path, bound: str) -> None:
    """A root with such a key, in ``root.pem``."""
    key, digest = pss_key(folder, bound), (BOUND[bound] or ("sha256",))[0]
    salt = ("-sigopt", f"rsa_pss_saltlen:{SALTS.get(bound, -1)}")
    constraints = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    subject = ("-subj", "/CN=PSS root", *constraints, "-out", "root.pem")
    openssl("req", "-x509", "-new", "-key", key, f"-{digest}", *salt, *subject)


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)
