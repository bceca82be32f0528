"""Each command does its work on each kind of database, from creation to revocation; most tests run on SQLite.

`serve` is in tests/server, `desk` in tests/desk_pages. What concerns one kind of database is in the folders that
`databases.FOLDERS` names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509

from anchorhold.cli.command_table import COMMANDS
from cli.cli_steps import good, listed
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

SETTINGS: Final = """
[storages.default]
backend = "local"
options = { location = "one" }
[storages.two]
backend = "local"
options = { location = "two" }
[key_backends.default]
backend = "storages"
[key_backends.two]
backend = "storages"
options = { storage_alias = "two" }
[key_backends.rows]
backend = "db"
"""
WWW: Final = ["DNS:www.example.com"]
STEPS: Final = (
    "new-backend acme-kms",
    "new-wrapper acme-policy",
    "init-ca Root CN=Root --path-length=1 --out=root.pem",
    "init-ca Issuing CN=Issuing --parent=Root --key-backend=rows --out=issuing.pem",
    "init-ca Offline CN=Offline --csr-out=offline.csr",
    "sign-cert --ca=Root --profile=intermediate --subject=CN=Offline --csr=offline.csr --out=offline.pem",
    "import-ca Offline --signed=offline.pem",
    "import-ca Elsewhere elsewhere.key elsewhere.pem",
    "edit-ca Elsewhere --rename=Imported",
    "import-cert leaf.pem --ca=Imported",
    "move-key Root --to=two --delete-source",
    "sign-cert --ca=Issuing --csr=example.csr --alt=www.example.com --out=www.pem",
    "sign-cert --ca=Imported --csr=example.csr --alt=mail.example.com --out=mail.pem",
    "view-ca Issuing",
    "view-cert SERIAL",
    "revoke-cert SERIAL --reason=superseded",
    "generate-crls",
    "dump-crl Issuing --out=issuing.crl",
    "regenerate-ocsp-keys",
    "generate-ocsp-responses --to=www --nginx=nginx.conf --caddy=caddy.conf",
    "maintain",
    "recover",
    "backends",
    "config check",
    "list-cas",
    "list-certs",
    "history",
    "workers",
    "profiles webserver",
    "advise",
)
"""In this order, all of them with success; ``SERIAL`` is that of the certificate for www.example.com."""


@pytest.fixture
def _prepared(tmp_path: Path, csr_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with three places for keys, and an authority and a certificate made by openssl."""
    (tmp_path / "config.toml").write_text(SETTINGS)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
    openssl(*new, "elsewhere.key", "-out", "elsewhere.pem", "-subj", "/CN=Elsewhere")
    leaf = ("x509", "-req", "-in", csr_file, "-CA", "elsewhere.pem", "-CAkey", "elsewhere.key", "-set_serial", "77")
    openssl(*leaf, "-out", "leaf.pem")


def test_the_steps_leave_out_no_command() -> None:
    assert {step.split()[0] for step in STEPS} == COMMANDS.keys() - {"quickstart", "serve", "worker", "desk"}


@pytest.mark.databases("sqlite", "postgresql", because="each command is tried once on each kind")
def test_quickstart_makes_a_chain(anchorhold: Command) -> None:
    good(anchorhold("quickstart", "www.example.com"))
    assert len(listed(anchorhold)) == 2


@pytest.mark.databases("sqlite", "postgresql", because="each command is tried once on each kind")
@pytest.mark.usefixtures("_prepared")
def test_each_command_does_its_work(anchorhold: Command, tmp_path: Path) -> None:
    for step in STEPS:
        if "SERIAL" in step:
            (issued,) = (entry for entry in listed(anchorhold, "list-certs") if entry["names"] == WWW)
            step = step.replace("SERIAL", issued["serial"])
        good(anchorhold(*step.split()))
    assert {entry["name"] for entry in listed(anchorhold)} == {"Root", "Issuing", "Offline", "Imported"}
    (revoked,) = listed(anchorhold, "list-certs", "--ca=Issuing", "--revoked")
    assert revoked["names"] == WWW
    crl = x509.load_pem_x509_crl((tmp_path / "issuing.crl").read_bytes())
    assert [entry.serial_number for entry in crl] == [int(revoked["serial"], 16)]
    openssl("verify", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "www.pem")
    openssl("verify", "-CAfile", "elsewhere.pem", "mail.pem")
