"""Lists for programs are complete, and ``--expiring`` counts all that expire."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import Order, errors
from cli.cli_steps import good, listed, refused

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the lists are asked of each")
MANY = 1_150
"""More than are shown, and more than are read at once."""


@pytest.fixture
def many(anchorhold: Command, installation: Installation, make_csr: MakeCsr) -> Command:
    """An authority with many certificates."""
    good(anchorhold("init-ca", "Root", "CN=Root"))
    request = x509.load_pem_x509_csr(make_csr())
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign_many(Order(csr=request, names=[f"h{number}.example"]) for number in range(MANY))
    return anchorhold


def test_json_has_all_certificates_and_text_says_that_there_are_more(many: Command) -> None:
    for options in ((), ("--expired",)):
        numbers = [entry["number"] for entry in listed(many, "list-certs", *options)]
        assert len(set(numbers)) == len(numbers) == MANY + 1
    assert len(listed(many, "list-certs", "--limit=7")) == 7
    outcome = good(many("list-certs"))
    assert len(outcome.text.splitlines()) == 1 + 100
    assert "--after" in outcome.talk


def test_expiring_counts_all_whatever_is_shown(many: Command) -> None:
    for options in ((), ("--limit=3",), ("-f", "json"), ("-f", "json", "--limit=3")):
        outcome = many("list-certs", "--expiring=100d", *options)
        assert outcome.exit_code == errors.ExpiringError.exit_code
        assert f"{MANY} expire within 100d" in outcome.talk


def test_a_profile_that_never_was_is_an_error(anchorhold: Command, tmp_path: Path, csr_file: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    (tmp_path / "with.toml").write_text("[profiles.mine]\ndays = 5\n")
    with_profile = ("--config", str(tmp_path / "with.toml"))
    good(anchorhold(*with_profile, "sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--profile=mine"))
    for line in (
        ("list-certs", "--profile=webservr"),
        ("list-certs", "--profile=webservr", "--expiring=1d"),
        ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--profile=webservr"),
        ("init-ca", "Sub", "CN=Sub", "--profile=webservr"),
        ("init-ca", "Sub", "CN=Sub", "--default-profile=webservr"),
        ("edit-ca", "Root", "--default-profile=webservr"),
    ):
        refused(anchorhold(*line), errors.UnknownProfileError, "webservr")
    assert listed(anchorhold, "list-certs", "--profile=client") == []
    assert len(listed(anchorhold, "list-certs", "--profile=mine")) == 1, "it was used while it was there"


def test_an_authority_signed_elsewhere_is_seen(anchorhold: Command, tmp_path: Path) -> None:
    far = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "far.key",
        "-out",
        "far.pem",
    ]
    subprocess.run([*far, "-subj", "/CN=Far", "-days", "50"], check=True)
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--csr-out=sub.csr"))
    sign = ["openssl", "x509", "-req", "-in", "sub.csr", "-CA", "far.pem", "-CAkey", "far.key", "-out", "sub.pem"]
    subprocess.run([*sign, "-days", "20", "-copy_extensions", "copyall"], check=True)
    assert "Note" not in good(anchorhold("import-ca", "Sub", "--signed=sub.pem")).talk
    outcome = anchorhold("list-certs", "--expiring=30d", "-f", "json")
    assert outcome.exit_code == errors.ExpiringError.exit_code
    (entry,) = json.loads(outcome.data)
    assert (entry["subject"], entry["authority"], entry["number"]) == ("CN=Sub", None, None)
    assert "CN=Sub" in good(anchorhold("list-certs")).text
    good(anchorhold("list-certs", "--expiring=10d"))
    assert listed(anchorhold, "list-certs", "--revoked") == []
