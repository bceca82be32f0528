"""Two tokens and a database at once: authorities in each of them certify one another."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from anchorhold import Order, open_installation
from cli.cli_steps import good
from hsm.softhsm import configure, settings
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command, MakeCsr
    from hsm.softhsm import SoftHsm

DATABASE = """
[key_backends.db]
backend = "db"
"""
ALIASES = ("here", "there", "db")

pytestmark = pytest.mark.databases("sqlite", because="it is about places of keys; one ledger shows it")


@pytest.fixture
def configured(softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """Two tokens with PINs of their own, and the database."""
    softhsm.add_token("two", pin="4321")
    here = settings(softhsm, "here", "one", 'user_pin = "1234"')
    there = settings(softhsm, "there", "two", 'user_pin = "4321"')
    configure(tmp_path, monkeypatch, here, there, DATABASE)
    return softhsm


@pytest.mark.parametrize("places", list(permutations(ALIASES)), ids="-".join)
def test_authorities_in_all_places_certify_one_another(
    configured: SoftHsm, anchorhold: Command, csr_file: Path, tmp_path: Path, places: tuple[str, str, str]
) -> None:
    root, middle, issuing = places
    good(anchorhold("init-ca", f"--key-backend={root}", "One", "CN=1", "--out=1.pem"))
    below = ("--path-length=none", f"--key-backend={middle}", "--parent=One")
    good(anchorhold("init-ca", *below, "Two", "CN=2", "--out=2.pem"))
    good(anchorhold("init-ca", f"--key-backend={issuing}", "--parent=Two", "Three", "CN=3", "--out=3.pem"))
    good(anchorhold("sign-cert", "--ca=Three", f"--csr={csr_file}", "--alt=a.example", "--out=4.pem"))
    (tmp_path / "chain.pem").write_text((tmp_path / "2.pem").read_text() + (tmp_path / "3.pem").read_text())
    openssl("verify", "-x509_strict", "-CAfile", "1.pem", "-untrusted", "chain.pem", "4.pem")
    assert len(configured.private_labels("one")) == 1
    assert configured.tool("--list-objects", "--type", "privkey", token="two", pin="4321").count("Object;") == 1


def test_issuers_in_two_tokens_work_at_the_same_time(
    configured: SoftHsm, database: str, make_csr: MakeCsr, ca_dir: Path
) -> None:
    with open_installation() as installation:
        for alias in ALIASES:
            installation.authorities.create(alias, f"CN={alias}", key_backend=alias)
        with (
            installation.certificates.issuer("here") as here,
            installation.certificates.issuer("there") as there,
            installation.certificates.issuer("db") as db,
        ):
            for _ in range(3):
                for issuer in (here, there, db):
                    issuer.sign(Order(csr=make_csr(), names=["a.example"]))


@pytest.mark.parametrize("line", [("init-ca", "--help"), ("init-ca", "--key-backend=db", "Root", "CN=Root")])
def test_help_and_commands_for_other_places_do_not_load_the_module(
    configured: SoftHsm, database: str, line: tuple[str, ...]
) -> None:
    script = "import sys; from anchorhold.cli import main\ntry: main()\nfinally: print('pkcs11' in sys.modules)"
    command = [sys.executable, "-c", script, *line]
    ended = subprocess.run(command, env=configured.environment, capture_output=True, check=False, timeout=60)
    assert ended.stdout.endswith(b"False\n"), ended.stdout + ended.stderr
