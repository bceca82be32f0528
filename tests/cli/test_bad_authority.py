"""Authorities that must not be made or used: one clear line, an exit code of their own, and nothing half-written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from anchorhold import errors
from cli.cli_imported import foreign_ca
from cli.cli_steps import LEDGER, certificate, good, left_behind, listed, refused

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command


class Bad(NamedTuple):
    """Arguments, the error that they must end with, and words of its line."""

    arguments: tuple[str, ...]
    error: type[errors.AnchorholdError]
    words: tuple[str, ...] = ()


SIGN = ("sign-cert", "--csr=example.csr", "--alt=example.com")
CHILD = ("init-ca", "Child", "CN=Child")
BAD_LINES = {
    "existing name": Bad(("init-ca", "Root", "CN=Again"), errors.AuthorityExistsError, ("'Root'", "another name")),
    "renaming to an existing name": Bad(
        ("edit-ca", "Root", "--rename=Zero"), errors.AuthorityExistsError, ("'Zero'", "another name")
    ),
    "name of blanks": Bad(("init-ca", " ", "CN=Blank"), errors.InputError, ("name",)),
    "name with a line break": Bad(("init-ca", "a\nb", "CN=Break"), errors.InputError, ("name",)),
    "name with a control character": Bad(("init-ca", "a\x1b[2J", "CN=Break"), errors.InputError, ("name",)),
    "unknown parent": Bad((*CHILD, "--parent=Rot"), errors.UnknownAuthorityError, ("'Rot'", "did you mean 'Root'?")),
    "unknown CA": Bad((*SIGN, "--ca=Rooot"), errors.UnknownAuthorityError, ("'Rooot'", "did you mean 'Root'?")),
    "unknown CA to view": Bad(("view-ca", "Xyz"), errors.UnknownAuthorityError, ("'Xyz'", "known: ", "Root")),
    "unknown CA to edit": Bad(("edit-ca", "Xyz", "--disable"), errors.UnknownAuthorityError, ("'Xyz'",)),
    "unknown CA to list": Bad(("list-certs", "--ca=Xyz"), errors.UnknownAuthorityError, ("'Xyz'",)),
    "CA without a name": Bad((*SIGN, "--ca="), errors.UnknownAuthorityError, ("''",)),
    "unknown alias": Bad(
        (*CHILD, "--key-backend=defualt"), errors.UnknownAliasError, ("'defualt'", "did you mean 'default'?")
    ),
    "path length of zero exceeded": Bad(
        (*CHILD, "--parent=Zero"), errors.PathLengthError, ("'Zero'", "path length is 0")
    ),
    "path length of zero exceeded by a profile": Bad(
        (*SIGN, "--ca=Zero", "--profile=intermediate", "--subject=CN=Sub"), errors.PathLengthError, ("'Zero'",)
    ),
    "path length beyond the parent's": Bad(
        (*CHILD, "--parent=Root", "--path-length=2"), errors.PathLengthError, ("at most 1", "ask for 1 or less")
    ),
    "no path length below a limited parent": Bad(
        (*CHILD, "--parent=Root", "--path-length=none"), errors.PathLengthError, ("at most 1",)
    ),
    "path length that is no number": Bad((*CHILD, "--path-length=many"), errors.PathLengthError, ("'many'",)),
    "negative path length": Bad((*CHILD, "--path-length=-1"), errors.PathLengthError, ("'-1'",)),
    "path length of another script": Bad((*CHILD, "--path-length=²"), errors.PathLengthError, ("'²'",)),
    "path length of a fifth digit": Bad((*CHILD, "--path-length=10000"), errors.PathLengthError, ("'10000'",)),
    "path length beyond all limits": Bad((*CHILD, f"--path-length={10**30}"), errors.PathLengthError, ("path length",)),
    "expiry beyond the parent's": Bad(
        (*CHILD, "--parent=Root", "--expires=20y"), errors.ValidityError, ("'Root' expires", "choose an earlier expiry")
    ),
    "expiry beyond the issuer's": Bad(
        (*SIGN, "--ca=Root", "--expires=3660"), errors.ValidityError, ("'Root' expires",)
    ),
    "expiry in the past": Bad((*CHILD, "--expires=2020-01-01"), errors.ValidityError, ("2020-01-01", "future")),
    "expiry of zero days": Bad((*CHILD, "--expires=0"), errors.ValidityError, ("'0'", "future")),
    "expiry that cannot be read": Bad((*CHILD, "--expires=soon"), errors.ValidityError, ("'soon'", "90d")),
    "expiry beyond the year 9999": Bad((*CHILD, "--expires=999999y"), errors.ValidityError, ("999999y",)),
    "expiry at the end of time": Bad(
        (*CHILD, "--expires=9999-12-31T23:59:59-05:00"), errors.ValidityError, ("9999-12-31",)
    ),
    "subject without a value": Bad(("init-ca", "New", "CN"), errors.SubjectInvalidError, ("'CN'", "/C=AT/")),
    "subject with an empty value": Bad(("init-ca", "New", "CN=,O=Org"), errors.SubjectInvalidError, ("CN",)),
    "subject of an unknown attribute": Bad(("init-ca", "New", "XX=1"), errors.SubjectInvalidError, ("XX=1",)),
    "slashed subject of an unknown attribute": Bad(("init-ca", "New", "/XX=1"), errors.SubjectInvalidError, ("XX",)),
    "slashed subject without a value": Bad(("init-ca", "New", "/CN"), errors.SubjectInvalidError, ("'/CN'",)),
    "subject with a long country": Bad(("init-ca", "New", "CN=New,C=AUT"), errors.SubjectInvalidError, ("AUT",)),
    "subject with a long common name": Bad(("init-ca", "New", f"CN={'x' * 65}"), errors.SubjectInvalidError, ("64",)),
    "subject with a line break": Bad(("init-ca", "New", "CN=a\nb"), errors.SubjectInvalidError, ("CN",)),
    "an answer that OCSP does not have": Bad(
        (*CHILD, "--ocsp-unknown=perhaps"), errors.InputError, ("'perhaps'", "unknown, revoked or unauthorized")
    ),
    "empty subject": Bad(("init-ca", "New", ""), errors.InputError, ("subject",)),
    "malformed subject of a certificate": Bad(
        (*SIGN, "--ca=Root", "--subject=example.com"), errors.SubjectInvalidError, ("example.com",)
    ),
    "unknown key type": Bad((*CHILD, "--key-type=DSA"), errors.KeyUnsupportedError, ("DSA",)),
    "short RSA key": Bad((*CHILD, "--key-type=RSA", "--key-size=1024"), errors.KeyUnsupportedError, ("1024", "2048")),
    "unknown curve": Bad((*CHILD, "--elliptic-curve=P-257"), errors.KeyUnsupportedError, ("P-257", "secp256r1")),
    "size of an EC key": Bad((*CHILD, "--key-size=256"), errors.KeyUnsupportedError, ("size",)),
    "curve of an RSA key": Bad(
        (*CHILD, "--key-type=RSA", "--elliptic-curve=P-256"), errors.KeyUnsupportedError, ("curve",)
    ),
    "unknown hash": Bad((*CHILD, "--algorithm=SHA-1"), errors.KeyUnsupportedError, ("SHA-1", "SHA-256")),
    "hash of an Ed25519 key": Bad(
        (*CHILD, "--key-type=Ed25519", "--algorithm=SHA-256"), errors.KeyUnsupportedError, ("Ed25519",)
    ),
    "unreadable name constraint": Bad(
        (*CHILD, "--permit-name=IP:300.0.0.0/8"), errors.NameForbiddenError, ("300.0.0.0",)
    ),
    "network with host bits": Bad(
        (*CHILD, "--permit-name=IP:192.0.2.1/24"), errors.NameForbiddenError, ("192.0.2.1/24",)
    ),
    "URL that is none": Bad((*CHILD, "--crl-url=nowhere"), errors.NameForbiddenError, ("nowhere",)),
    "URL that is none, edited": Bad(("edit-ca", "Root", "--ocsp-url=nowhere"), errors.NameForbiddenError, ("nowhere",)),
    "path outside the storage": Bad((*CHILD, "--path=../elsewhere"), errors.InputError, ("../elsewhere",)),
    "absolute path": Bad((*CHILD, "--path=/tmp"), errors.InputError, ("/tmp",)),
    "--out in a folder that does not exist": Bad((*CHILD, "--out=no/where.pem"), errors.OutputError, ("no/where.pem",)),
    "--out that is a folder": Bad((*CHILD, "--out=ca"), errors.OutputError, ("ca", "cannot be written")),
    "--out of a certificate in a folder that does not exist": Bad(
        (*SIGN, "--ca=Root", "--out=no/where.pem"), errors.OutputError, ("no/where.pem",)
    ),
    "DER with a bundle": Bad(
        (*SIGN, "--ca=Root", "--output-format=der", "--bundle"), errors.InputError, ("--bundle", "pem")
    ),
    "DER of an authority with a bundle": Bad(
        (*CHILD, "--parent=Root", "--output-format=der", "--bundle"), errors.InputError, ("--bundle", "pem")
    ),
    "CSR that is not there": Bad(
        ("sign-cert", "--ca=Root", "--csr=none.csr", "--alt=a.example"), errors.InputError, ("none.csr", "No such file")
    ),
    "CSR that is a folder": Bad(("sign-cert", "--ca=Root", "--csr=ca", "--alt=a.example"), errors.InputError, ("ca",)),
    "CSR named with a line break": Bad(
        ("sign-cert", "--ca=Root", "--csr=a\nb", "--alt=a.example"), errors.InputError, ("No such file",)
    ),
    "bad DNS label": Bad(
        (*SIGN, "--ca=Root", "--alt=a_b.example.com"), errors.NameForbiddenError, ("a_b.example.com",)
    ),
    "control character in a name": Bad(
        (*SIGN, "--ca=Root", "--alt=a\x01.example"), errors.NameForbiddenError, ("\\x01",)
    ),
    "bad address": Bad((*SIGN, "--ca=Root", "--alt=IP:1.2.3.400"), errors.NameForbiddenError, ("1.2.3.400",)),
    "unknown profile": Bad(
        (*SIGN, "--ca=Root", "--profile=webservr"),
        errors.UnknownProfileError,
        ("'webservr'", "did you mean 'webserver'?"),
    ),
    "no alternative name": Bad(
        ("sign-cert", "--ca=Root", "--csr=example.csr"), errors.ProfileRefusedError, ("'webserver'", "--alt")
    ),
    "nothing to name the certificate": Bad(
        ("sign-cert", "--ca=Root", "--csr=example.csr", "--profile=client"),
        errors.ProfileRefusedError,
        ("give a subject", "--copy subject"),
    ),
    "unknown serial": Bad(("view-cert", "00ff"), errors.UnknownCertificateError, ("00ff", "list-certs")),
    "serial that is none": Bad(("view-cert", "xyz"), errors.InputError, ("'xyz'", "hex")),
    "nothing to edit": Bad(("edit-ca", "Root"), errors.InputError, ("no change is given",)),
    "nothing to finish": Bad(("recover", "--finish=Root"), errors.UnknownAuthorityError, ("'Root'",)),
}


@pytest.fixture
def roots(anchorhold: Command, csr_file: Path) -> Command:
    """The command line of an installation with the roots ``Root`` (path length 2) and ``Zero`` (path length 0)."""
    assert csr_file.name == "example.csr"
    good(anchorhold("init-ca", "Root", "CN=Root", "--path-length=2"))
    good(anchorhold("init-ca", "Zero", "CN=Zero", "--path-length=0"))
    return anchorhold


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES)
def test_bad_input_ends_with_one_line_and_leaves_nothing_behind(bad: Bad, roots: Command, tmp_path: Path) -> None:
    before = left_behind(tmp_path)
    refused(roots(*bad.arguments), bad.error, *bad.words)
    assert left_behind(tmp_path) == before
    assert [found["name"] for found in listed(roots)] == ["Root", "Zero"]


@pytest.mark.parametrize("name", ["existing name", "path length of zero exceeded", "subject without a value"])
def test_debug_shows_the_traceback_before_the_line(name: str, roots: Command) -> None:
    bad = BAD_LINES[name]
    outcome = roots("--debug", *bad.arguments)
    assert outcome.exit_code == bad.error.exit_code
    assert "Traceback (most recent call last)" in outcome.talk
    assert outcome.talk.splitlines()[-1].startswith("anchorhold: ")


def test_a_default_expiry_is_shortened_to_the_issuers(anchorhold: Command, csr_file: Path) -> None:
    root = certificate(anchorhold("init-ca", "Short", "CN=Short", "--path-length=1", "--expires=30d", "-f", "pem"))
    child = certificate(anchorhold("init-ca", "Child", "CN=Child", "--parent=Short", "-f", "pem"))
    leaf = certificate(anchorhold("sign-cert", "--ca=Child", f"--csr={csr_file}", "--alt=example.com"))
    assert root.not_valid_after_utc == child.not_valid_after_utc == leaf.not_valid_after_utc


@pytest.mark.parametrize(("days", "since", "word"), [(-1, -10, "expired on"), (100, 5, "not valid before")])
def test_an_authority_out_of_its_validity_signs_neither_authorities_nor_certificates(
    days: int, since: int, word: str, anchorhold: Command, csr_file: Path, tmp_path: Path
) -> None:
    key, cert = foreign_ca(tmp_path, days=days, since=since)
    good(anchorhold("import-ca", "Old", str(key), str(cert)))
    before = left_behind(tmp_path)
    refused(anchorhold("init-ca", "Child", "CN=Child", "--parent=Old"), errors.AuthorityExpiredError, "'Old'", word)
    refused(
        anchorhold("sign-cert", "--ca=Old", f"--csr={csr_file}", "--alt=a.example"), errors.AuthorityExpiredError, word
    )
    assert left_behind(tmp_path) == before


def test_a_missing_key_file_is_named_and_nothing_is_issued(anchorhold: Command, csr_file: Path, tmp_path: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    (key_file,) = (tmp_path / "ca").rglob("*.key")
    key_file.unlink()
    before = left_behind(tmp_path)
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=example.com")
    refused(anchorhold(*sign), errors.KeyMissingError, key_file.name, "'Root'", "restore it from a backup")
    refused(anchorhold("init-ca", "Child", "CN=Child", "--parent=Root"), errors.KeyMissingError, key_file.name)
    assert left_behind(tmp_path) == before


def test_the_key_file_of_another_authority_is_not_used(anchorhold: Command, csr_file: Path, tmp_path: Path) -> None:
    good(anchorhold("init-ca", "One", "CN=One", "--path=one"))
    good(anchorhold("init-ca", "Two", "CN=Two", "--path=two"))
    (one,), (two,) = (tmp_path / "ca/one").glob("*.key"), (tmp_path / "ca/two").glob("*.key")
    one.write_bytes(two.read_bytes())
    before = left_behind(tmp_path)
    sign = ("sign-cert", "--ca=One", f"--csr={csr_file}", "--alt=example.com")
    refused(anchorhold(*sign), errors.KeyMismatchError, "'One'")
    one.write_text("not a key")
    refused(anchorhold(*sign), errors.KeyInvalidError, "'One'", "cannot be read as a private key")
    assert left_behind(tmp_path) == before


@pytest.mark.databases("sqlite", because="the ledger is a file only there")
@pytest.mark.parametrize("content", [b"this is not a database", b"\0" * 8192], ids=["text", "zeros"])
def test_a_ledger_that_is_none_is_one_line(content: bytes, anchorhold: Command, ca_dir: Path) -> None:
    ca_dir.mkdir()
    (ca_dir / LEDGER).write_bytes(content)
    refused(anchorhold("list-cas"), errors.LedgerError, "ledger")
    assert (ca_dir / LEDGER).read_bytes() == content


@pytest.mark.databases("sqlite", because="the ledger is a file only there")
def test_a_ledger_folder_that_is_a_file_is_one_line(anchorhold: Command, ca_dir: Path) -> None:
    ca_dir.write_text("a file")
    refused(anchorhold("init-ca", "Root", "CN=Root"), errors.LedgerError, str(ca_dir))
