"""The command lines as operators write them, on a real token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold import errors
from cli.cli_steps import good, refused
from hsm.softhsm import configure, settings
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from conftest import Command
    from hsm.softhsm import SoftHsm


def test_a_ca_in_the_token_signs_a_certificate(
    softhsm: SoftHsm, anchorhold: Command, tmp_path: Path, csr_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch, settings(softhsm))
    line = ("--key-backend=hsm", "--hsm-key-label=my_key_label", "--hsm-user-pin=1234", "CAInHSM", "CN=HSM")
    good(anchorhold("init_ca", *line, "--out=ca.pem"))
    assert softhsm.private_labels() == ["my_key_label"]
    configure(tmp_path, monkeypatch, settings(softhsm, more='user_pin = "1234"'))
    signed = good(anchorhold("sign_cert", "--ca=CAInHSM", "--csr=example.csr", "--alt=example.com"))
    (tmp_path / "cert.pem").write_bytes(signed.data)
    openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "cert.pem")


def test_the_security_officer_cannot_make_keys_and_leaves_nothing_behind(
    softhsm: SoftHsm, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    softhsm.add_token("two", so_pin="1234")
    configure(tmp_path, monkeypatch, settings(softhsm, "default", "two", more='user_pin = "9999"'))
    outcome = anchorhold("init_ca", "--so-pin=1234", "--user-pin=", "CAInHSM", "CN=HSM")
    refused(outcome, errors.BackendFailedError, "security officer", "'two'")
    assert softhsm.objects("two") == 0
    assert "No interrupted operations" in good(anchorhold("recover")).talk
