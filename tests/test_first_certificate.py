"""The main job: a root, an issuing CA, a certificate for a request made by openssl, verified by openssl."""

from __future__ import annotations

from typing import TYPE_CHECKING

from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command


def test_a_chain_made_on_the_command_line_verifies_with_openssl(anchorhold: Command, tmp_path: Path) -> None:
    openssl(
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        tmp_path / "key.pem",
        "-out",
        tmp_path / "example.csr",
        "-subj",
        "/CN=example.com",
    )
    assert anchorhold("init-ca", "Root", "CN=Root", "--path-length", "1", "--out", "root.pem").exit_code == 0
    assert anchorhold("init-ca", "Issuing", "CN=Issuing", "--parent", "Root", "--out", "issuing.pem").exit_code == 0
    signed = anchorhold(
        "sign-cert", "--ca", "Issuing", "--csr", "example.csr", "--alt", "example.com", "--out", "cert.pem"
    )
    assert signed.exit_code == 0, signed.talk
    verified = openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "cert.pem")
    assert verified == "cert.pem: OK\n"


def test_the_lines_of_the_model_run_as_written(anchorhold: Command, csr_file: Path) -> None:
    created = anchorhold("init_ca", "--password=mypassword", "CAInDefaultKeyBackend", "CN=Default")
    assert created.exit_code == 0, created.talk
    signed = anchorhold(
        "sign_cert", "--ca=CAInDefaultKeyBackend", "--password=mypassword", "--csr=example.csr", "--alt=example.com"
    )
    assert signed.exit_code == 0, signed.talk
    assert signed.text.startswith("-----BEGIN CERTIFICATE-----")
