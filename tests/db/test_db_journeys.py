"""Authorities with keys in databases, from `init-ca` to a certificate that openssl accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.plugin import FindKeyRequest
from cli.cli_steps import good
from db.keeping import PASSPHRASE, RANDOM, key_id_of, rows, use_db
from plugin.fake_backends import NO_SECRETS
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin.key_backend import KeyBackend
    from conftest import Command

KINDS = {
    "P-521": ("--elliptic-curve=P-521",),
    "brainpool": ("--elliptic-curve=brainpoolP256r1",),
    "RSA": ("--key-type=RSA", "--key-size=2048"),
    "Ed25519": ("--key-type=Ed25519",),
    "Ed448": ("--key-type=Ed448",),
}
LAYERS = {
    "plain": ("", (), b"-----BEGIN PRIVATE KEY-----"),
    "password": ("", ("--password=hunter2",), b"-----BEGIN ENCRYPTED PRIVATE KEY-----"),
    "random encryption key": (f'encryption_key = "{RANDOM}"', (), None),
    "passphrase as encryption key": (f'encryption_key = "{PASSPHRASE}"', (), None),
    "both": (f'encryption_key = "{RANDOM}"', ("--password=hunter2",), None),
}


def _sign_and_verify(anchorhold: Command, authority: str, csr_file: Path, *options: str) -> None:
    good(
        anchorhold(
            "sign-cert", f"--ca={authority}", f"--csr={csr_file}", "--alt=example.com", *options, "--out=leaf.pem"
        )
    )
    above = ["-untrusted", "issuing.pem"] if authority == "Issuing" else []
    assert "leaf.pem: OK" in openssl("verify", "-x509_strict", "-CAfile", "root.pem", *above, "leaf.pem")


@pytest.mark.parametrize(
    ("root", "issuing"), [("default", "files"), ("files", "default"), ("default", "own"), ("own", "sealed")]
)
def test_authorities_in_databases_and_files_sign_one_another(
    anchorhold: Command,
    csr_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_url: str,
    root: str,
    issuing: str,
) -> None:
    use_db(
        tmp_path,
        monkeypatch,
        more=f"""
            [key_backends.files]
            backend = "storages"
            [key_backends.own]
            backend = "db"
            options = {{ database = "{own_url}" }}
            [key_backends.sealed]
            backend = "db"
            options = {{ encryption_key = "{RANDOM}" }}
        """,
    )
    good(anchorhold("init-ca", "Root", "CN=Root", f"--key-backend={root}", "--out=root.pem"))
    good(
        anchorhold("init-ca", "Issuing", "CN=Issuing", f"--key-backend={issuing}", "--parent=Root", "--out=issuing.pem")
    )
    _sign_and_verify(anchorhold, "Issuing", csr_file)
    if "own" in (root, issuing):
        assert list(rows(own_url)) == [key_id_of("Root" if root == "own" else "Issuing")]
    good(anchorhold("recover"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_is_pkcs8_that_openssl_reads(
    anchorhold: Command, database: str, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    use_db(tmp_path, monkeypatch)
    good(anchorhold("init-ca", "Root", "CN=Root", *KINDS[kind], "--out=root.pem"))
    ((_, sealing, content),) = rows(database).values()
    assert sealing is None
    assert openssl("pkey", "-pubout", stdin=content) == openssl("x509", "-in", "root.pem", "-noout", "-pubkey")
    _sign_and_verify(anchorhold, "Root", csr_file)


@pytest.mark.parametrize("kind", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_post_quantum_keys_sign_from_the_database(
    anchorhold: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    use_db(tmp_path, monkeypatch, f'encryption_key = "{RANDOM}"')
    good(anchorhold("init-ca", "Root", "CN=Root", f"--key-type={kind}"))
    good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=example.com"))


@pytest.mark.parametrize("layers", LAYERS)
def test_a_key_is_stored_as_it_was_asked_to_be_protected(
    anchorhold: Command, database: str, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layers: str
) -> None:
    options, given, beginning = LAYERS[layers]
    use_db(tmp_path, monkeypatch, options)
    good(anchorhold("init-ca", "Root", "CN=Root", *given, "--out=root.pem"))
    ((_, sealing, content),) = rows(database).values()
    if beginning is None:
        assert sealing is not None
        assert b"BEGIN" not in content
    else:
        assert (sealing, content.startswith(beginning)) == (None, True)
    _sign_and_verify(anchorhold, "Root", csr_file, *given)


def test_a_key_from_elsewhere_is_imported_and_signs(
    anchorhold: Command, database: str, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_db(tmp_path, monkeypatch, f'encryption_key = "{RANDOM}"')
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *new_key, "-out", "root.pem", "-subj", "/CN=Root", "-days", "30", *usage)
    good(anchorhold("import-ca", "Root", "key.pem", "root.pem", "--password=hunter2"))
    ((_, sealing, _),) = rows(database).values()
    assert sealing is not None
    _sign_and_verify(anchorhold, "Root", csr_file, "--password=hunter2")


def test_two_aliases_on_two_databases_do_not_see_the_keys_of_the_other(
    anchorhold: Command, database: str, own: KeyBackend, own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = f'[key_backends.own]\nbackend = "db"\noptions = {{ database = "{own_url}" }}\n'
    use_db(tmp_path, monkeypatch, more=more)
    for alias in ("default", "own"):
        good(anchorhold("init-ca", alias, f"CN={alias}", "--key-backend", alias))
    assert list(rows(database)) == [key_id_of("default")]
    assert list(rows(own_url)) == [key_id_of("own")]
    assert own.find_key(FindKeyRequest(key_id=bytes.fromhex(key_id_of("default"))), NO_SECRETS) == ()
