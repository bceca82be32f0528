"""Adopting a key says what it lacks, who else has it, and which keys there are; a certificate may have its half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import good, refused
from hsm.softhsm import configure, settings
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command
    from hsm.softhsm import SoftHsm

ADOPT = ("init-ca", "Root", "CN=Root", "--adopt")


@pytest.fixture(name="token")
def _token(softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """Settings with the token under the alias ``default``."""
    configure(tmp_path, monkeypatch, settings(softhsm, "default", more='user_pin = "1234"'))
    return softhsm


def _pair(token: SoftHsm, label: str, key_id: str, *more: str) -> None:
    token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", label, "--id", key_id, *more)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--extractable",), "can be taken out of the token"),
        (("--private",), ""),
        ((), ""),
    ],
    ids=["extractable", "private", "as it should be"],
)
def test_what_a_key_lacks_is_said(token: SoftHsm, anchorhold: Command, options: tuple[str, ...], words: str) -> None:
    _pair(token, "theirs", "07", "--sensitive", *options)
    talk = good(anchorhold(*ADOPT, "--key-label=theirs")).talk
    assert ("Note: The key that was adopted" in talk) == bool(words), talk
    assert words in talk


def test_a_key_that_can_be_read_or_was_brought_is_said_to_be_one(
    token: SoftHsm, anchorhold: Command, tmp_path: Path
) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER", "-out", "key.der")
    openssl("pkey", "-in", "key.der", "-inform", "DER", "-pubout", "-outform", "DER", "-out", "public.der")
    for kind, file in (("privkey", "key.der"), ("pubkey", "public.der")):
        token.tool("--write-object", file, "--type", kind, "--label", "brought", "--id", "0a")
    talk = good(anchorhold(*ADOPT, "--key-label=brought")).talk
    assert "Note: The key that was adopted" in talk


def test_a_key_of_another_authority_is_said_to_be_one(token: SoftHsm, anchorhold: Command) -> None:
    _pair(token, "theirs", "07", "--sensitive")
    good(anchorhold(*ADOPT, "--key-label=theirs"))
    talk = good(anchorhold("init-ca", "Second", "CN=Second", "--adopt", "--key-id=07")).talk
    assert "The key that was adopted is that of authority 'Root', too." in talk


def test_what_is_there_is_listed_where_none_or_several_fit(token: SoftHsm, anchorhold: Command) -> None:
    refused(anchorhold(*ADOPT, "--key-label=no"), errors.KeyMissingError, "keys in the token: none")
    _pair(token, "same", "07")
    _pair(token, "same", "08")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-subj", "/CN=x")
    openssl("x509", "-in", "c.pem", "-outform", "DER", "-out", "c.der")
    token.tool("--write-object", "c.der", "--type", "cert", "--label", "alias", "--id", "08")
    shown = ("'same' (id 07)", "'same' (id 08, certificate 'alias')")
    refused(anchorhold(*ADOPT, "--key-label=no"), errors.KeyMissingError, "no matching key to adopt", *shown)
    refused(anchorhold(*ADOPT, "--key-label=same"), errors.KeyExistsError, "2 matching keys to adopt", *shown)
    token.tool("--write-object", "c.der", "--type", "cert", "--label", "alone", "--id", "99")
    refused(anchorhold(*ADOPT, "--key-label=alone"), errors.KeyMissingError, "'alone' without a key (ID 99)")


@pytest.mark.parametrize("written", ["0A0B", "0a:0b", "0x0a0b", "%0a%0b"])
def test_an_id_is_taken_as_tools_show_it(token: SoftHsm, anchorhold: Command, written: str) -> None:
    _pair(token, "theirs", "0a0b", "--sensitive")
    good(anchorhold(*ADOPT, f"--key-id={written}"))


def test_the_certificate_gives_the_public_key_that_the_token_has_not(
    token: SoftHsm, anchorhold: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label, key_id in (("theirs", "07"), ("other", "08")):
        _pair(token, label, key_id, "--sensitive")
    good(anchorhold(*ADOPT, "--key-label=theirs", "--out=root.pem"))
    for key_id in ("07", "08"):
        token.tool("--delete-object", "--type", "pubkey", "--id", key_id)
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"sqlite:///{tmp_path}/elsewhere.sqlite3")
    refused(anchorhold(*ADOPT, "--key-label=theirs"), errors.KeyInvalidError, "import-ca --adopt")
    wrong = anchorhold("import-ca", "New", "root.pem", "--adopt", "--key-label=other")
    assert wrong.exit_code in (errors.KeyMismatchError.exit_code, errors.SignatureError.exit_code), wrong.talk
    assert "New" not in anchorhold("list-cas").text
    good(anchorhold("import-ca", "New", "root.pem", "--adopt", "--key-label=theirs"))
    good(anchorhold("sign-cert", "--ca=New", f"--csr={csr_file}", "--alt=a.example", "--out=cert.pem"))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "cert.pem")


def test_among_several_the_one_of_the_certificate_is_meant(
    token: SoftHsm, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pair(token, "same", "07", "--sensitive")
    _pair(token, "same", "08", "--sensitive")
    good(anchorhold(*ADOPT, "--key-id=08", "--out=root.pem"))
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"sqlite:///{tmp_path}/elsewhere.sqlite3")
    good(anchorhold("import-ca", "New", "root.pem", "--adopt", "--key-label=same"))
