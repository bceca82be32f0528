"""``advise`` ends with one clear sentence for what it cannot give advice on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import (
    AnchorholdError,
    CertificateInvalidError,
    InputError,
    KeyInvalidError,
    UnknownAuthorityError,
    UnknownCertificateError,
)
from cli.cli_steps import good, listed, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command, MakeCsr

KEY, CERTIFICATE = "a private key", "a certificate"
FILES = {
    "root.crl": "a CRL",
    "root.crl.der": "a CRL",
    "a.csr": "a certificate signing request",
    "key.pem": KEY,
    "key.der": KEY,
    "locked.pem": KEY,
    "locked.der": KEY,
    "public.pem": "a public key",
    "both.p12": "PKCS#12",
    "root.pem": CERTIFICATE,
    "root.der": CERTIFICATE,
}
"""What each file is."""


@pytest.fixture
def files(anchorhold: Command, csr_file: Path, tmp_path: Path) -> Path:
    """An authority ``Root``, and files of every kind that have to do with it."""
    good(anchorhold("init-ca", "Root", "CN=Root", "--out", "root.pem"))
    good(anchorhold("generate-crls"))
    for name, form in (("root.crl", "pem"), ("root.crl.der", "der")):
        (tmp_path / name).write_bytes(good(anchorhold("dump-crl", "Root", "--output-format", form)).data)
    (tmp_path / "a.csr").write_bytes(csr_file.read_bytes())
    lock = ("-topk8", "-in", "key.pem", "-passout", "pass:of the key")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "c.pem", "-subj", "/CN=Else")
    openssl("pkey", "-in", "key.pem", "-outform", "DER", "-out", "key.der")
    openssl("pkcs8", *lock, "-out", "locked.pem")
    openssl("pkcs8", *lock, "-outform", "DER", "-out", "locked.der")
    openssl("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    openssl("pkcs12", "-export", "-inkey", "key.pem", "-in", "c.pem", "-passout", "pass:x", "-out", "both.p12")
    openssl("x509", "-in", "root.pem", "-outform", "DER", "-out", "root.der")
    (tmp_path / "empty").touch()
    (tmp_path / "noise").write_bytes(bytes(range(128, 256)) * 9)
    (tmp_path / "bundle.pem").write_bytes(b"".join((tmp_path / f"{each}.pem").read_bytes() for each in ("key", "root")))
    return tmp_path


def test_a_file_of_another_kind_is_called_what_it_is(files: Path, anchorhold: Command) -> None:
    wrong: dict[str, tuple[type[AnchorholdError], str]] = {
        "cert": (CertificateInvalidError, CERTIFICATE),
        "key": (KeyInvalidError, KEY),
    }
    for option, (error, right) in wrong.items():
        for name, kind in FILES.items():
            outcome = anchorhold("advise", f"--{option}={files / name}")
            if kind == right:
                good(outcome)
            else:
                refused(outcome, error, name, f"is {kind}")
        refused(anchorhold("advise", f"--{option}=noise"), error, "noise", "cannot be read")
        for name in ("empty", "missing", "."):
            refused(anchorhold("advise", f"--{option}={name}"), InputError, name)


def test_a_bundle_has_what_is_looked_for(files: Path, anchorhold: Command) -> None:
    for option in ("cert", "key"):
        assert "None of the measured programs" in good(anchorhold("advise", f"--{option}={files / 'bundle.pem'}")).talk


def test_a_file_in_place_of_a_name_is_told_from_one(files: Path, anchorhold: Command) -> None:
    assert (files / "root.pem").exists()
    refused(anchorhold("advise", "root.pem"), UnknownAuthorityError, "'root.pem'", "is a file", "--cert", "--key")
    refused(anchorhold("advise", "missing.pem"), UnknownAuthorityError, "'missing.pem'", "known: Root")


def test_a_serial_number_of_none_or_of_several_is_said_to_be_so(anchorhold: Command, make_csr: MakeCsr) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    begins = [each["serial"][0] for each in listed(anchorhold, "list-certs")]
    while (shared := {each for each in begins[1:] if begins.count(each) > 1} - {begins[0]}) == set():
        signed = good(anchorhold("sign-cert", "--ca=Root", "--alt=a.example.com", "-f", "json", stdin=make_csr()))
        begins.append(json.loads(signed.data)["serial"][0])
    refused(anchorhold("advise", shared.pop()), UnknownCertificateError, "matches several", "more digits")
    refused(anchorhold("advise", "00ff00"), UnknownCertificateError, "00ff00", "is not in the ledger")
