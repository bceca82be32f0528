"""``list-certs --revoked`` and ``--expiring`` as scheduled jobs use them: exit codes, JSON, text."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import certificate, good, listed
from revocation.crl_steps import SIGN, record, signed

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="the lists are asked of each")
EXPIRING = errors.ExpiringError.exit_code


@pytest.fixture
def certs(anchorhold: Command, csr_file: Path) -> dict[str, str]:
    """Serial numbers of certificates of ``Root``, by what is special about them."""
    assert csr_file.name == "example.csr"
    good(anchorhold("init-ca", "Root", "CN=Root"))
    found = {name: signed(anchorhold, name=f"{name}.example") for name in ("good", "revoked", "held")}
    for name in ("soon", "sooner", "revokedsoon"):
        line = ("sign-cert", "--ca=Root", f"--alt={name}.example", f"--expires={'20d' if name == 'soon' else '5d'}")
        found[name] = f"{certificate(anchorhold(*line, *SIGN)).serial_number:x}"
    good(anchorhold("revoke-cert", found["revoked"], "--reason=keyCompromise"))
    good(anchorhold("revoke-cert", found["revokedsoon"]))
    good(anchorhold("revoke-cert", found["held"], "--reason=certificateHold"))
    return found


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        ("--revoked", 0, "held revoked revokedsoon"),
        ("--not-revoked", 0, "good soon sooner"),
        ("--expiring=30d", EXPIRING, "soon sooner"),
        ("--expiring=10d", EXPIRING, "sooner"),
        ("--expiring=12h", 0, ""),
        ("--expiring=30d --revoked", EXPIRING, "revokedsoon"),
        ("--expiring=30d --not-revoked --limit=1", EXPIRING, "sooner"),
    ],
)
def test_what_is_listed_and_how_the_command_ends(
    options: str, code: int, expected: str, certs: dict[str, str], anchorhold: Command
) -> None:
    outcome = anchorhold("list-certs", "-f", "json", *options.split())
    assert outcome.exit_code == code, outcome.talk
    names = {serial: name for name, serial in certs.items()}
    listed_names = {names.get(entry["serial"]) for entry in json.loads(outcome.data)} - {None}
    assert listed_names == set(expected.split())
    assert outcome.talk.count("\n") == (code != 0)
    assert ("expire" in outcome.talk) == (code != 0)
    assert anchorhold("list-certs", *options.split()).exit_code == code  # as text, too


@pytest.mark.parametrize("typed", ["soon", "", "-3d", "0d"])
def test_a_span_that_is_none_is_refused(typed: str, anchorhold: Command) -> None:
    outcome = anchorhold("list-certs", f"--expiring={typed}")
    assert outcome.exit_code == errors.ValidityError.exit_code
    assert outcome.data == b""


def test_json_says_when_and_why(certs: dict[str, str], anchorhold: Command) -> None:
    shown = {entry["serial"]: entry for entry in listed(anchorhold, "list-certs")}
    now = dt.datetime.now(dt.UTC)
    for name, reason in (("revoked", "keyCompromise"), ("revokedsoon", "unspecified"), ("held", "certificateHold")):
        entry = shown[certs[name]]
        assert entry["revocation_reason"] == reason
        revoked_at = dt.datetime.fromisoformat(entry["revoked_at"])
        assert now - dt.timedelta(minutes=5) < revoked_at <= now
        single = json.loads(good(anchorhold("view-cert", certs[name], "-f", "json")).data)
        assert (single["revoked_at"], single["revocation_reason"]) == (entry["revoked_at"], reason)
    assert (shown[certs["good"]]["revoked_at"], shown[certs["good"]]["revocation_reason"]) == (None, None)


def test_text_says_whether_each_is_good(certs: dict[str, str], installation: Installation, anchorhold: Command) -> None:
    record(installation, "00" * 19 + "01", dt.timedelta(days=-1))
    head, *rows = good(anchorhold("list-certs", "--expired")).text.splitlines()
    at = head.index("STATUS")
    status = {row.split()[0]: row[at : at + 8].strip() for row in rows}
    assert {name: status[serial] for name, serial in certs.items()} == {
        "good": "good",
        "revoked": "revoked",
        "held": "on hold",
        "soon": "good",
        "sooner": "good",
        "revokedsoon": "revoked",
    }
    assert status["00" * 19 + "01"] == "expired"
    for name, shown in (("revoked", "keyCompromise"), ("good", None)):
        text = good(anchorhold("view-cert", certs[name])).text
        assert ("Revoked" in text) == (shown is not None)
        assert shown is None or shown in text


def test_revocations_of_more_certificates_than_a_statement_has_parameters(
    certs: dict[str, str], installation: Installation
) -> None:
    """SQLite takes 32,766 of them, PostgreSQL 65,535; a page of ``list-certs`` may have a million."""
    with installation.ledger.translate_errors():
        found = installation.ledger.revocations.of(range(1, 70_000))
    revoked = {installation.certificates.get(certs[name]).id for name in ("revoked", "revokedsoon", "held")}
    assert set(found) == revoked


def test_what_expires_and_is_renewed_by_itself_is_not_for_a_job_that_looks_for_work(
    anchorhold: Command, csr_file: Path
) -> None:
    """A responder's certificate lives a week; ``maintain`` replaces it, and old ones are of no use to anybody."""
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("maintain"))
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    assert good(anchorhold("list-certs", "--expiring=30d", "-f", "json")).data == b"[]\n"
    assert [entry["profile"] for entry in listed(anchorhold, "list-certs")].count("ocsp") == 2
    (active,) = _expiring(anchorhold, "--profile=ocsp")
    assert active == listed(anchorhold, "list-certs", "--profile=ocsp")[-1]["serial"]
    elsewhere = ("sign-cert", "--ca=Root", "--subject=CN=responder elsewhere", "--profile=ocsp", "--expires=5d")
    own = f"{certificate(anchorhold(*elsewhere, *SIGN)).serial_number:x}"
    assert _expiring(anchorhold) == {own}
    assert _expiring(anchorhold, "--profile=ocsp") == {own, active}
    assert _expiring(anchorhold, "--profile=client", code=0) == set()


def _expiring(anchorhold: Command, *more: str, code: int = EXPIRING) -> set[str]:
    outcome = anchorhold("list-certs", "--expiring=30d", "-f", "json", *more)
    assert outcome.exit_code == code
    return {entry["serial"] for entry in json.loads(outcome.data)}
