"""One chain over three places, with everything from wheels: made by the real command, verified by openssl.

The root's key is in AWS KMS, that of its issuing CA in a token of SoftHSM, those of OCSP responders in the database.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from hsm.softhsm import USER_PIN
from programs import openssl
from storages.servers import free_port, moto, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from downstream.wheel_environment import Downstream, Ended
    from hsm.softhsm import SoftHsm

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="no more is installed than the wheels need"),
]

PATH = ("Root", "Issuing")


@pytest.fixture
def kms_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Moto's server, and credentials for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    with moto(tmp_path) as url:
        yield url


@pytest.fixture
def three_places(kms_url: str, softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """Settings for all of them."""
    (tmp_path / "pin").write_text(f"{USER_PIN}\n")
    (tmp_path / "config.toml").write_text(f"""
[key_backends.kms]
backend = "aws-kms"
options = {{ region = "eu-central-1", endpoint_url = "{kms_url}" }}

[key_backends.hsm]
backend = "hsm"
options = {{ library_path = "{softhsm.library}", token = "one", user_pin = {{ file = "pin" }} }}

[ocsp_key_backends.default]
backend = "db"
""")
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    return softhsm


def done(ended: Ended) -> Ended:
    """The same, if it went well."""
    assert ended.exit_code == 0, ended.talk
    return ended


def shown(downstream: Downstream, ca: str) -> dict[str, Any]:
    """What is told about an authority."""
    found: dict[str, Any] = downstream.anchorhold("view-ca", ca, "--output-format", "json").json
    return found


@pytest.fixture
def chain(downstream: Downstream, three_places: SoftHsm, tmp_path: Path, csr_file: Path) -> Path:
    """A root, an issuing CA and a server's certificate, in files; the folder."""
    root, issuing = ("Root", "CN=KMS Root"), ("Issuing", "CN=HSM Issuing")
    on_kms = ("--key-backend", "kms", "--elliptic-curve", "P-384", "--kms-key-alias", "ca/root", "--path-length", "1")
    done(downstream.anchorhold("init-ca", *root, *on_kms, "--out", "root.pem"))
    in_token = ("--parent", "Root", "--key-backend", "hsm", "--path-length", "0")
    done(downstream.anchorhold("init-ca", *issuing, *in_token, "--out", "issuing.pem"))
    leaf = ("--ca", "Issuing", "--csr", csr_file, "--alt", "www.example.com", "--out", "leaf.pem")
    done(downstream.anchorhold("sign-cert", *leaf))
    return tmp_path


def test_the_chain_is_verified_by_openssl(downstream: Downstream, chain: Path, three_places: SoftHsm) -> None:
    files = ("-CAfile", "root.pem", "-untrusted", "issuing.pem")
    assert openssl("verify", "-x509_strict", *files, "leaf.pem") == "leaf.pem: OK\n"
    names = [x509.load_pem_x509_certificate((chain / f"{name}.pem").read_bytes()) for name in ("leaf", "issuing")]
    assert [(each.issuer.rfc4514_string(), each.subject.rfc4514_string()) for each in names] == [
        ("CN=HSM Issuing", "CN=www.example.com"),
        ("CN=KMS Root", "CN=HSM Issuing"),
    ]
    assert [shown(downstream, ca)["key_backend"] for ca in ("Root", "Issuing")] == ["kms", "hsm"]
    assert three_places.private_labels() == ["Issuing"]
    assert not list(chain.rglob("*.key"))


def test_revocation_is_verified_by_openssl_with_lists_from_both_places(downstream: Downstream, chain: Path) -> None:
    lists = ("-crl_check_all", "-CRLfile", "lists.pem")
    done(downstream.anchorhold("generate-crls"))
    (chain / "lists.pem").write_text("".join(done(downstream.anchorhold("dump-crl", ca)).data for ca in PATH))
    checked = openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem", *lists, "leaf.pem")
    assert checked == "leaf.pem: OK\n"


def test_openssl_gets_ocsp_answers_signed_by_a_key_in_the_database(
    downstream: Downstream, chain: Path, database: str
) -> None:
    done(downstream.anchorhold("regenerate-ocsp-keys", "Issuing"))
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as ledger:
        assert ledger.execute("SELECT count(*) FROM anchorhold_db_key").fetchone() == (1,)
    port = free_port()
    serve = [str(downstream.folder / "bin" / "anchorhold"), "serve", "--port", str(port)]
    with running(serve, port, chain / "server.log"):
        asked = ("-issuer", "issuing.pem", "-cert", "leaf.pem", "-url", f"http://127.0.0.1:{port}/ocsp")
        answer = openssl("ocsp", *asked, "-CAfile", "root.pem", "-verify_other", "issuing.pem")
    assert "leaf.pem: good" in answer
