"""The command lines of the guide to django-ca's key backends, as written there, with our program's name."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from cli.cli_steps import certificate, good
from hsm.softhsm import configure, settings

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command
    from hsm.softhsm import SoftHsm

FILES = '[key_backends.default]\nbackend = "storages"\noptions = { password = "mypassword" }\n'
PIN = 'user_pin = "1234"'


@pytest.mark.parametrize(
    ("line", "default"),
    [
        ("init_ca --password=mypassword CAInDefaultKeyBackend CN=Default", "storages"),
        ("init_ca --key-backend=hsm --hsm-key-label=my_key_label --hsm-user-pin=1234 CAInHSM CN=HSM", "storages"),
        ("init_ca --key-label=my-key-label --user-pin=1234 CAInHSM CN=ca.example.com", "hsm"),
        (
            "init_ca --key-backend=hsm --hsm-key-label=my-key-label --hsm-user-pin=1234 CAInHSM CN=ca.example.com",
            "storages",
        ),
    ],
)
def test_a_line_makes_an_authority_that_signs_and_answers(
    softhsm: SoftHsm,
    anchorhold: Command,
    tmp_path: Path,
    csr_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    default: str,
) -> None:
    aliases = [settings(softhsm, "default", more=PIN)] if default == "hsm" else [FILES, settings(softhsm, more=PIN)]
    configure(tmp_path, monkeypatch, *aliases)
    good(anchorhold(*shlex.split(line)))
    name = shlex.split(line)[-2]
    made = certificate(anchorhold("view_ca", name, "-f", "pem"))
    signed = certificate(anchorhold("sign_cert", f"--ca={name}", "--alt=example.com", stdin=csr_file.read_bytes()))
    signed.verify_directly_issued_by(made)
    assert f"New responder of {name}" in good(anchorhold("regenerate_ocsp_keys")).talk
