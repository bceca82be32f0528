"""An authority whose parent is elsewhere: ``init-ca --csr-out``, the parent's signature, ``import-ca --signed``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import errors
from cli.cli_steps import good, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

ROOT = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
REQUEST = ("init-ca", "Sub", "CN=Sub,O=Example", "--csr-out=sub.csr", "--permit-name=DNS:example.com")


def parent(folder: Path) -> None:
    """A root made by openssl, far away."""
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "far.key", "-subj", "/CN=Far"),
        *(*ROOT, "-days", "365", "-out", folder / "far.pem"),
    )


def sign(folder: Path, csr: str = "sub.csr", *more: str) -> None:
    """What the parent makes of the request; openssl copies the extensions that it asks for."""
    arguments = ("-req", "-in", folder / csr, "-CA", folder / "far.pem", "-CAkey", folder / "far.key", "-days", "100")
    openssl("x509", *arguments, "-copy_extensions", "copyall", *more, "-out", folder / "sub.pem")


def test_request_and_certificate_make_an_authority_that_signs(
    anchorhold: Command, tmp_path: Path, csr_file: Path
) -> None:
    parent(tmp_path)
    made = good(anchorhold(*REQUEST))
    assert "import-ca Sub --signed FILE" in made.talk
    request = x509.load_pem_x509_csr((tmp_path / "sub.csr").read_bytes())
    assert request.is_signature_valid
    asked = request.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (asked.ca, asked.path_length) == (True, 0)
    assert request.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    (listed,) = json.loads(good(anchorhold("list-cas", "-f", "json")).data)
    assert (listed["status"], listed["serial"]) == ("pending", None)

    sign(tmp_path)
    good(anchorhold("import-ca", "Sub", "--signed=sub.pem"))
    good(anchorhold("sign-cert", "--ca=Sub", f"--csr={csr_file}", "--alt=a.example.com", "--out=leaf.pem"))
    openssl("verify", "-x509_strict", "-CAfile", "far.pem", "-untrusted", "sub.pem", "leaf.pem")
    refused(
        anchorhold("sign-cert", "--ca=Sub", f"--csr={csr_file}", "--alt=a.other.net"), errors.NameForbiddenError, "Sub"
    )
    assert "No interrupted operations" in good(anchorhold("recover")).talk


def test_while_it_waits_it_says_so_and_signs_nothing(anchorhold: Command, csr_file: Path) -> None:
    good(anchorhold(*REQUEST))
    for command in (("sign-cert", "--ca=Sub", f"--csr={csr_file}", "--alt=a.example.com"), ("view-ca", "Sub")):
        refused(anchorhold(*command), errors.AuthorityNotReadyError, "awaits its certificate", "--signed")
    told = good(anchorhold("recover"))
    assert "awaits its certificate" in told.talk
    assert "No interrupted operations" in told.talk
    refused(anchorhold(*REQUEST), errors.AuthorityExistsError, "never completed")


def test_the_request_can_be_had_again(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold(*REQUEST))
    assert good(anchorhold("recover", "--finish=Sub")).data == (tmp_path / "sub.csr").read_bytes()


def test_it_can_be_given_up_with_its_key(anchorhold: Command, ca_dir: Path) -> None:
    good(anchorhold(*REQUEST))
    assert len(list(ca_dir.rglob("*.key"))) == 1
    assert "its key is destroyed" in good(anchorhold("recover", "--abandon=Sub")).talk
    assert list(ca_dir.rglob("*.key")) == []


def test_a_certificate_for_something_else_is_refused_and_nothing_is_lost(anchorhold: Command, tmp_path: Path) -> None:
    parent(tmp_path)
    good(anchorhold(*REQUEST, "--password=secret"))
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "x.key", "-subj", "/CN=X", "-out", "x.csr")
    sign(tmp_path, "x.csr")
    refused(
        anchorhold("import-ca", "Sub", "--signed=sub.pem"), errors.CertificateInvalidError, "is not a CA certificate"
    )
    refused(anchorhold("import-ca", "Sub", "--signed=far.pem"), errors.KeyMismatchError, "does not belong")
    sign(tmp_path)
    refused(anchorhold("import-ca", "Sub", "--signed=sub.pem"), errors.SecretMissingError, "password")
    good(anchorhold("import-ca", "Sub", "--signed=sub.pem", "--password=secret"))
    refused(
        anchorhold("import-ca", "Sub", "--signed=sub.pem"),
        errors.AuthorityNotReadyError,
        "is not waiting for a certificate",
    )


def test_a_parent_that_is_known_here_is_linked(anchorhold: Command, csr_file: Path) -> None:
    """It was signed by one of our own, as for another installation."""
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--csr-out=sub.csr"))
    good(
        anchorhold("sign-cert", "--ca=Root", "--csr=sub.csr", "--profile=intermediate", "--copy=subject", "-o", "s.pem")
    )
    good(anchorhold("import-ca", "Sub", "--signed=s.pem"))
    shown = json.loads(good(anchorhold("view-ca", "Sub", "-f", "json")).data)
    assert (shown["parent"], shown["key_state"]) == ("Root", "usable")


@pytest.mark.parametrize("option", ["--expires=90", "--out=x.pem", "--bundle", "--output-format=pem"])
def test_options_about_a_certificate_do_not_go_with_a_request(anchorhold: Command, option: str) -> None:
    refused(anchorhold(*REQUEST, option), errors.InputError, "--csr-out")
    assert json.loads(good(anchorhold("list-cas", "-f", "json")).data) == []


def test_settings_do_not_go_with_the_certificate(anchorhold: Command) -> None:
    refused(anchorhold("import-ca", "Sub", "--signed=s.pem", "--crl-url=http://x/"), errors.InputError, "edit-ca")
    refused(anchorhold("import-ca", "Sub"), errors.InputError, "FILE is missing")


def test_a_parent_that_changes_the_subject_is_noticed(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("init-ca", "Far", "CN=Far", "--path-length=1", "--out=far.pem"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--csr-out=sub.csr"))
    line = ("sign-cert", "--ca=Far", "--csr=sub.csr", "--profile=intermediate", "--subject=CN=Other", "--out=sub.pem")
    good(anchorhold(*line))
    talk = good(anchorhold("import-ca", "Sub", "--signed=sub.pem")).talk
    assert "Note: the parent issued it for CN=Other instead of CN=Sub." in talk


def test_the_chain_above_is_kept_for_bundles(
    anchorhold: Command, tmp_path: Path, csr_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--csr-out=sub.csr"))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("ANCHORHOLD_CA_DIR", str(tmp_path / "far"))
        elsewhere.setenv("ANCHORHOLD_DATABASE", f"sqlite:///{tmp_path}/far/ledger.sqlite3")
        good(anchorhold("init-ca", "Top", "CN=Top", "--path-length=2", "--out=top.pem"))
        good(anchorhold("init-ca", "Mid", "CN=Mid", "--parent=Top", "--path-length=1", "--out=mid.pem"))
        line = ("sign-cert", "--ca=Mid", "--csr=sub.csr", "--profile=intermediate", "--subject=CN=Sub")
        good(anchorhold(*line, "--out=sub.pem"))
    parts = [(tmp_path / name).read_text() for name in ("sub.pem", "top.pem", "mid.pem")]
    (tmp_path / "bundle.pem").write_text("".join(parts))
    good(anchorhold("import-ca", "Sub", "--signed=bundle.pem"))
    good(anchorhold("edit-ca", "Sub", "--max-days=30"))
    shown = good(anchorhold("view-ca", "Sub", "-f", "pem", "--bundle")).text
    assert shown == parts[0] + parts[2] + parts[1]
    bundle = good(anchorhold("sign-cert", "--ca=Sub", f"--csr={csr_file}", "--alt=a.example", "--bundle")).text
    assert bundle.endswith(shown)
    alone = good(anchorhold("view-ca", "Sub", "-f", "pem")).text
    assert alone == parts[0]
