"""A request is verified once, and the note about it names only what was not granted."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from anchorhold.x509 import csr as module
from cli.cli_requests import request
from cli.cli_steps import good

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.x509.csr import CertificationRequest
    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="what is said does not depend on the database")


@pytest.fixture
def root(anchorhold: Command) -> Command:
    """An authority to sign with."""
    good(anchorhold("init-ca", "Root", "CN=Root"))
    return anchorhold


def test_a_request_is_verified_once(
    root: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    verify = module._check_signature

    def counting(found: CertificationRequest, key: object, subject: str) -> None:
        verified.append(subject)
        verify(found, key, subject)

    monkeypatch.setattr(module, "_check_signature", counting)
    good(root("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example"))
    assert verified == [str(csr_file)]


def test_only_what_was_not_granted_is_named(root: Command, tmp_path: Path) -> None:
    asked = request(
        subject=[
            x509.NameAttribute(NameOID.COMMON_NAME, "A.example"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Other"),
        ],
        alt=[x509.DNSName("A.example"), x509.DNSName("b.example")],
    )
    (tmp_path / "r.csr").write_bytes(asked)
    talk = good(root("sign-cert", "--ca=Root", "--csr=r.csr", "--alt=a.example")).talk
    assert "also requests the subject O=Other, DNS:b.example; see --copy" in talk


@pytest.mark.parametrize(
    "extension",
    ["keyUsage=digitalSignature", "keyUsage=critical,digitalSignature", "basicConstraints=CA:FALSE"],
)
def test_what_is_there_in_other_words_is_not_named(extension: str, root: Command, tmp_path: Path) -> None:
    line = ["openssl", "req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "k", "-out", "r.csr", "-subj", "/"]
    subprocess.run([*line, "-addext", extension], check=True)
    assert "also requests" not in good(root("sign-cert", "--ca=Root", "--csr=r.csr", "--alt=a.example")).talk
