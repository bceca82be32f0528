"""``import-ca``: every form in which openssl leaves a key and a certificate, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509

from anchorhold import errors
from cli.cli_imported import foreign_ca
from cli.cli_steps import certificate, good, left_behind, listed, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

PASSWORD = "of the file"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with the key and certificate of a CA made by openssl, in every form that openssl writes."""
    folder = tmp_path / "made"
    folder.mkdir()
    key, cert = folder / "key.pem", folder / "cert.pem"
    lock = ("-passout", f"pass:{PASSWORD}")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "sec1.pem")
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", folder / "sec1.pem", "-out", key)
    openssl(
        *("req", "-x509", "-new", "-key", key, "-subj", "/C=AT/CN=Made elsewhere", "-days", "900", "-out", cert),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    openssl("x509", "-in", cert, "-outform", "DER", "-out", folder / "cert.der")
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER", "-out", folder / "key.der")
    openssl("pkcs8", "-topk8", "-in", key, *lock, "-out", folder / "locked.pem")
    openssl("pkcs8", "-topk8", "-in", key, *lock, "-outform", "DER", "-out", folder / "locked.der")
    openssl("ec", "-in", key, "-aes256", *lock, "-out", folder / "locked-sec1.pem")
    openssl("pkcs12", "-export", "-inkey", key, "-in", cert, *lock, "-out", folder / "both.p12")
    openssl("pkcs12", "-export", "-inkey", key, "-in", cert, "-passout", "pass:", "-out", folder / "open.p12")
    openssl("pkcs12", "-export", "-nokeys", "-in", cert, *lock, "-out", folder / "no-key.p12")
    return folder


UNLOCK = f"--import-password={PASSWORD}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("key.pem", "cert.pem"),
        ("key.der", "cert.der"),
        ("sec1.pem", "cert.der"),
        ("key.pem", "cert.pem", UNLOCK),
        ("locked.pem", "cert.pem", UNLOCK),
        ("locked.der", "cert.pem", UNLOCK),
        ("locked-sec1.pem", "cert.pem", UNLOCK),
        ("both.p12", UNLOCK),
        ("open.p12",),
    ],
    ids=" ".join,
)
def test_what_openssl_made_is_imported_and_signs(
    arguments: tuple[str, ...], made: Path, anchorhold: Command, csr_file: Path, tmp_path: Path
) -> None:
    paths = [part if part.startswith("--") else str(made / part) for part in arguments]
    shown = good(anchorhold("import-ca", "Imported", *paths, "--output-format=der"))
    assert shown.data == (made / "cert.der").read_bytes()
    good(anchorhold("sign-cert", "--ca=Imported", f"--csr={csr_file}", "--alt=a.example", "--out=leaf.pem"))
    assert openssl("verify", "-CAfile", made / "cert.pem", tmp_path / "leaf.pem").endswith(": OK\n")


def test_the_variable_gives_the_password_of_the_file(
    made: Path, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORHOLD_IMPORT_PASSWORD", PASSWORD)
    good(anchorhold("import-ca", "Imported", str(made / "both.p12")))


def test_a_variable_names_a_file_with_the_password(
    made: Path, anchorhold: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "old.password").write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("ANCHORHOLD_IMPORT_PASSWORD_FILE", "old.password")
    good(anchorhold("import-ca", "Imported", str(made / "both.p12")))


def test_the_key_is_encrypted_anew_with_the_backends_own_password(
    made: Path, anchorhold: Command, csr_file: Path, ca_dir: Path
) -> None:
    good(anchorhold("import-ca", "Imported", str(made / "both.p12"), UNLOCK, "--password=new", "--path=imported"))
    (stored,) = (ca_dir / "imported").glob("*.key")
    assert stored.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    sign = ("sign-cert", "--ca=Imported", f"--csr={csr_file}", "--alt=a.example")
    refused(anchorhold(*sign, f"--password={PASSWORD}"), errors.SecretWrongError)
    good(anchorhold(*sign, "--password=new"))


def test_a_known_parent_is_linked_and_an_unknown_one_is_not(
    made: Path, anchorhold: Command, tmp_path: Path, csr_file: Path
) -> None:
    openssl("req", "-new", "-key", made / "key.pem", "-subj", "/CN=Below", "-out", tmp_path / "below.csr")
    good(anchorhold("init-ca", "Root", "CN=Root", "--path-length=1", "--out=root.pem"))
    sign = ("sign-cert", "--ca=Root", "--csr=below.csr", "--profile=intermediate", "--subject=CN=Below")
    good(anchorhold(*sign, "--out=below.pem"))
    good(anchorhold("import-ca", "Below", str(made / "key.pem"), "below.pem"))
    stranger_key, stranger_cert = foreign_ca(tmp_path, "stranger")
    good(anchorhold("import-ca", "Stranger", str(stranger_key), str(stranger_cert)))
    assert {found["name"]: found["parent"] for found in listed(anchorhold)} == {
        "Root": None,
        "Below": "Root",
        "Stranger": None,
    }
    bundle = good(anchorhold("view-ca", "Below", "--output-format=pem", "--bundle")).data
    assert [part.subject.rfc4514_string() for part in x509.load_pem_x509_certificates(bundle)] == [
        "CN=Below",
        "CN=Root",
    ]
    good(anchorhold("sign-cert", "--ca=Below", f"--csr={csr_file}", "--alt=a.example", "--out=leaf.pem"))
    verify = ("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "below.pem", "leaf.pem")
    assert openssl(*verify) == "leaf.pem: OK\n"


def test_what_is_put_into_certificates_can_be_given_at_import(made: Path, anchorhold: Command, csr_file: Path) -> None:
    urls = ("--crl-url=http://a.example/crl", "--ocsp-url=http://a.example/ocsp", "--issuer-url=http://a.example/ca")
    good(
        anchorhold("import-ca", "Imported", str(made / "key.pem"), str(made / "cert.pem"), *urls, "--algorithm=SHA-512")
    )
    leaf = certificate(anchorhold("sign-cert", "--ca=Imported", f"--csr={csr_file}", "--alt=a.example"))
    assert leaf.signature_hash_algorithm is not None
    assert leaf.signature_hash_algorithm.name == "sha512"
    assert len(leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value) == 2
    assert len(leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value) == 1


def test_an_expired_authority_is_imported_with_a_note(anchorhold: Command, tmp_path: Path) -> None:
    key, cert = foreign_ca(tmp_path, days=-1)
    assert "expired" in good(anchorhold("import-ca", "Old", str(key), str(cert))).talk


class Bad(NamedTuple):
    """Files and options, the error that they must end with, and words of its line."""

    arguments: tuple[str, ...]
    error: type[errors.AnchorholdError]
    words: tuple[str, ...]


BAD_IMPORTS = {
    "key of another certificate": Bad(("other.key.pem", "cert.pem"), errors.KeyMismatchError, ("does not belong",)),
    "leaf": Bad(("leaf.key.pem", "leaf.cert.pem"), errors.CertificateInvalidError, ("is not a CA certificate",)),
    "leaf in PKCS#12": Bad(("leaf.p12", UNLOCK), errors.CertificateInvalidError, ("is not a CA certificate",)),
    "wrong password": Bad(("locked.pem", "cert.pem", "--import-password=no"), errors.SecretWrongError, ("locked.pem",)),
    "wrong password, DER": Bad(
        ("locked.der", "cert.pem", "--import-password=no"), errors.SecretWrongError, ("locked.der",)
    ),
    "wrong password, PKCS#12": Bad(("both.p12", "--import-password=no"), errors.SecretWrongError, ("both.p12",)),
    "no password": Bad(("locked.pem", "cert.pem"), errors.SecretMissingError, ("locked.pem", "--import-password")),
    "no password, PKCS#12": Bad(("both.p12",), errors.SecretMissingError, ("both.p12", "--import-password")),
    "no certificate": Bad(("key.pem",), errors.InputError, ("key.pem", "certificate is missing")),
    "PKCS#12 without a key": Bad(("no-key.p12", UNLOCK), errors.CertificateInvalidError, ("no-key.p12", "lacks")),
    "truncated PKCS#12": Bad(("short.p12", UNLOCK), errors.CertificateInvalidError, ("short.p12",)),
    "key that is none": Bad(("cert.pem", "cert.pem"), errors.KeyInvalidError, ("cert.pem", "private key")),
    "key of garbage": Bad(("garbage", "cert.pem"), errors.KeyInvalidError, ("garbage",)),
    "certificate that is none": Bad(("key.pem", "key.pem"), errors.CertificateInvalidError, ("key.pem",)),
    "certificate of garbage": Bad(("key.pem", "garbage"), errors.CertificateInvalidError, ("garbage",)),
    "key that is not there": Bad(("none", "cert.pem"), errors.InputError, ("none", "private key")),
    "certificate that is not there": Bad(("key.pem", "none"), errors.InputError, ("none", "certificate")),
    "empty key": Bad(("empty", "cert.pem"), errors.InputError, ("empty",)),
    "existing name": Bad(("key.pem", "cert.pem"), errors.AuthorityExistsError, ("'Known'",)),
    "--out nowhere": Bad(("key.pem", "cert.pem", "--out=no/where.pem"), errors.OutputError, ("no/where.pem",)),
    "unknown alias": Bad(("key.pem", "cert.pem", "--key-backend=hsm"), errors.UnknownAliasError, ("'hsm'", "default")),
    "unknown hash": Bad(("key.pem", "cert.pem", "--algorithm=MD5"), errors.KeyUnsupportedError, ("MD5", "SHA-256")),
    "path outside the storage": Bad(("key.pem", "cert.pem", "--path=../out"), errors.InputError, ("../out",)),
}


@pytest.mark.parametrize("case", BAD_IMPORTS)
def test_a_bad_import_is_refused_and_leaves_nothing_behind(
    case: str, made: Path, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Known", "CN=Known"))
    monkeypatch.chdir(made)
    foreign_ca(made, "other")
    foreign_ca(made, "leaf", ca=False)
    leaf = ("-inkey", "leaf.key.pem", "-in", "leaf.cert.pem", "-passout", f"pass:{PASSWORD}", "-out", "leaf.p12")
    openssl("pkcs12", "-export", *leaf)
    (made / "garbage").write_bytes(b"\x30\x03garbage")
    (made / "short.p12").write_bytes((made / "both.p12").read_bytes()[:-50])
    (made / "empty").touch()
    before = left_behind(tmp_path)
    bad = BAD_IMPORTS[case]
    name = "Known" if case == "existing name" else "New"
    refused(anchorhold("import-ca", name, *bad.arguments), bad.error, *bad.words)
    assert left_behind(tmp_path) == before
