"""Authorities whose names are in strings of old: whatever a command or the server does for others, it does for them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from anchorhold.x509.pem import pem_of
from cli.cli_steps import good
from input_formats import made
from input_formats.test_names_of_old_authorities import CA, READ
from programs import openssl, program
from server.serving import running

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command


@pytest.mark.databases("sqlite", because="names are kept alike in each")
def test_commands_and_server_use_such_an_authority(anchorhold: Command, csr_file: Path, tmp_path: Path) -> None:
    for number, title in enumerate(("Latin-1 in T61", "an underscore")):
        ca, leaf = f"ca{number}.pem", f"leaf{number}.pem"
        (tmp_path / ca).write_text(pem_of(made.certificate(READ[title][0], *CA, serial=bytes([9 + number]))))
        (tmp_path / "ca.key").write_bytes(made.KEY_PEM)
        good(anchorhold("import-ca", title, "ca.key", ca))
        sign = ("sign-cert", f"--ca={title}", f"--csr={csr_file}", "--alt=a.example.com", f"--out={leaf}")
        good(anchorhold(*sign))
        assert openssl("verify", "-CAfile", ca, leaf).endswith(": OK\n")
        serial = openssl("x509", "-noout", "-serial", "-in", leaf).strip().partition("=")[2].lower()
        text = READ[title][1]
        assert text in good(anchorhold("view-cert", serial, "-f", "text")).text
        assert text in good(anchorhold("view-cert", serial, "-f", "json")).data.decode("unicode-escape")
        assert text in good(anchorhold("view-ca", title)).text
        if number:
            good(anchorhold("revoke-cert", serial))
        good(anchorhold("generate-crls", title))
        assert f'"revoked": {number}' in good(anchorhold("dump-crl", title, "-f", "json")).text
        good(anchorhold("regenerate-ocsp-keys", title))
        assert good(anchorhold("list-certs", f"--ca={title}")).text
    with running(tmp_path) as server:
        for number, word in enumerate(("good", "revoked")):
            files = ("-issuer", f"ca{number}.pem", "-cert", f"leaf{number}.pem", "-CAfile", f"ca{number}.pem")
            asked = [program("openssl"), "ocsp", "-url", server.url, "-nonce", *files]
            answer = subprocess.run(asked, capture_output=True, check=True)
            assert f"leaf{number}.pem: {word}".encode() in answer.stdout
            assert b"Response verify OK" in answer.stderr
