"""What is made begins early, for clocks that are behind; lives stay as long as they were asked for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold import IssuancePolicy, Order
from anchorhold.errors import ValidityError
from anchorhold.x509.validity import ValidityLimit, end_of_validity, now, start_of_validity
from cli.cli_steps import certificate, good
from clocks.clock_steps import newest_list
from programs import openssl
from revocation.crl_steps import legacy, serial_of, signed

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command, MakeCsr

of_dates = pytest.mark.databases("sqlite", because="it is about what is signed, not about the ledger")
EARLY = dt.timedelta(minutes=5)
DAY = dt.timedelta(days=1)


_DATED = (
    "authority",
    "authority_plan",
    "certificate_drafter",
    "crls",
    "maintenance",
    "responder_cleanup",
    "responders",
    "revocation",
)
"""Operations that look at the clock."""


def passes(monkeypatch: pytest.MonkeyPatch, time: dt.timedelta) -> None:
    """Let time pass for what makes lists and certificates."""
    for module in (
        "authority",
        "crls",
        "certificate_drafter",
        "maintenance",
        "authority_plan",
        "responders",
        "revocation",
        "responder_cleanup",
    ):
        monkeypatch.setattr(f"anchorhold.operations.{module}.now", lambda: now() + time)


@of_dates
def test_openssl_accepts_certificates_and_lists_four_minutes_before_they_were_made(
    anchorhold: Command, csr_file: Path, tmp_path: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--out=root.pem"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--parent=Root", "--out=sub.pem"))
    good(anchorhold("sign-cert", "--ca=Sub", f"--csr={csr_file}", "--alt=www.example.com", "--out=leaf.pem"))
    good(anchorhold("generate-crls"))
    lists = [good(anchorhold("dump-crl", name, "-f", "pem")).data for name in ("Root", "Sub")]
    (tmp_path / "lists.pem").write_bytes(b"".join(lists))
    moment = str(int((now() - dt.timedelta(minutes=4)).timestamp()))
    files = ("-CAfile", "root.pem", "-untrusted", "sub.pem", "-CRLfile", "lists.pem", "leaf.pem")
    assert "OK" in openssl("verify", "-attime", moment, "-crl_check_all", *files)


@of_dates
@pytest.mark.parametrize(("minutes", "early"), [("", 5), ("backdate_minutes = 0", 0), ("backdate_minutes = 60", 60)])
def test_a_profile_says_how_early_and_by_default_it_is_five_minutes(
    anchorhold: Command,
    csr_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minutes: str,
    early: int,
) -> None:
    (tmp_path / "config.toml").write_text(
        f"[profiles.mine]\ndays = 3\n{minutes}\n"
        f'[profiles.ca]\nca = true\nkey_usage = ["keyCertSign", "cRLSign"]\ndays = 30\n{minutes}\n'
        "[profiles.ocsp]\n"
        f'extended_key_usage = ["OCSPSigning"]\nkey_usage = ["digitalSignature"]\ndays = 2\n{minutes}\n'
    )
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    passes(monkeypatch, DAY)
    before = now() + DAY
    sub = certificate(anchorhold("init-ca", "Sub", "CN=Sub", "--parent=Root", "--profile=ca", "-f", "pem"))
    leaf = certificate(anchorhold("sign-cert", "--ca=Root", "--profile=mine", f"--csr={csr_file}", "--subject=CN=x"))
    for made, days in ((sub, 30), (leaf, 3)):
        assert before <= made.not_valid_before_utc + dt.timedelta(minutes=early) <= now() + DAY
        assert made.not_valid_after_utc - made.not_valid_before_utc == days * DAY


@of_dates
def test_nothing_begins_before_its_issuer(anchorhold: Command, installation: Installation, csr_file: Path) -> None:
    made, key = legacy(crl_sign=True)
    installation.authorities.import_("Legacy", made, key)
    assert csr_file.exists()
    leaf = installation.certificates.get(signed(anchorhold, "Legacy"))
    good(anchorhold("maintain"))
    assert leaf.not_before == newest_list(installation, "Legacy").last_update_utc == made.not_valid_before_utc
    with installation.ledger.translate_errors():
        active = installation.ledger.responders.active(installation.authorities.get("Legacy").record.id)
    assert active is not None
    assert active.certificate is not None
    assert x509.load_der_x509_certificate(active.certificate).not_valid_before_utc == made.not_valid_before_utc


@of_dates
@pytest.mark.parametrize(
    ("lifetime", "early"),
    [
        (dt.timedelta(seconds=1), dt.timedelta(0)),
        (dt.timedelta(minutes=1), dt.timedelta(seconds=6)),
        (dt.timedelta(minutes=50), EARLY),
        (dt.timedelta(days=7), EARLY),
    ],
)
def test_a_list_begins_early_by_a_tenth_of_its_life_at_most_and_is_not_due_at_once(
    anchorhold: Command,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    lifetime: dt.timedelta,
    early: dt.timedelta,
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("maintain"))
    moment = now() + DAY
    for module in ("crls", "maintenance"):
        monkeypatch.setattr(f"anchorhold.operations.{module}.now", lambda: moment)
    (made,) = installation.crls.generate("Root", lifetime=lifetime)
    assert (made.this_update, made.next_update) == (moment - early, moment + lifetime)
    assert good(anchorhold("maintain")).talk == ""


@of_dates
def test_in_the_last_minutes_of_an_authority_lists_are_not_due_at_once(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--expires=2d"))
    good(anchorhold("maintain"))
    moment = installation.authorities.get("Root").certificate.not_valid_after_utc - dt.timedelta(minutes=4)
    for module in ("crls", "maintenance"):
        monkeypatch.setattr(f"anchorhold.operations.{module}.now", lambda: moment)
    assert good(anchorhold("maintain")).talk.count("CRL number") == 1
    assert "CRL number" not in good(anchorhold("maintain")).talk


def test_lists_made_within_a_moment_begin_one_after_the_other(installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root")
    begins = []
    for lifetime in (dt.timedelta(days=7), dt.timedelta(minutes=1), dt.timedelta(days=7), dt.timedelta(hours=1)):
        (made,) = installation.crls.generate("Root", lifetime=lifetime)
        assert made.this_update <= now() < made.next_update
        begins.append(made.this_update)
    assert begins == sorted(begins)


@of_dates
@pytest.mark.parametrize("issuing", [IssuancePolicy(max_days=3), IssuancePolicy()])
def test_the_longest_validity_may_be_asked_for_as_a_span(
    anchorhold: Command,
    installation: Installation,
    csr_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    issuing: IssuancePolicy,
) -> None:
    """It is counted from now, and the certificate begins before: that must not make it too long."""
    most = "" if issuing.max_days else "max_days = 3\n"
    (tmp_path / "config.toml").write_text(f"[profiles.mine]\ndays = 1\n{most}")
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    installation.authorities.create("Root", "CN=Root", issuing=issuing)
    options = ("--ca=Root", "--profile=mine", f"--csr={csr_file}", "--subject=CN=x")
    made = certificate(anchorhold("sign-cert", *options, "--expires=3d"))
    assert made.not_valid_after_utc - made.not_valid_before_utc == 3 * DAY
    assert anchorhold("sign-cert", *options, "--expires=73h").exit_code == ValidityError.exit_code


def test_what_goes_beyond_a_date_is_refused_to_the_second() -> None:
    start = start_of_validity(now(), EARLY)
    for bound, good_until in (
        (ValidityLimit(start + DAY, "it ends"), start + DAY),
        (ValidityLimit(start + DAY, "it", True), None),
    ):
        arguments: dict[str, Any] = {"days": 1, "bounds": [bound]}
        assert end_of_validity(start, wanted=start + DAY, **arguments) == start + DAY
        if good_until is None:
            assert end_of_validity(start, wanted=start + DAY + EARLY, **arguments) == start + DAY
        with pytest.raises(ValidityError, match="is after it"):
            end_of_validity(
                start, wanted=start + DAY + (EARLY * 2 if good_until is None else dt.timedelta(seconds=1)), **arguments
            )


def test_an_entry_stays_until_a_list_that_begins_after_its_certificate_has_expired(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 5280, section 3.3: though a list is made after that, clients see that it begins before."""
    installation.authorities.create("Root", "CN=Root")
    end = now() + DAY
    with installation.certificates.issuer("Root") as issuer:
        leaf = issuer.sign(Order(csr=make_csr(), names=["a.example"], expires=end)).certificate
    installation.revocations.revoke(serial_of(leaf))
    found = []
    for minutes in (-1, 1, 4, 7, 8):
        moment = end + dt.timedelta(minutes=minutes)
        with monkeypatch.context() as patch:
            patch.setattr("anchorhold.operations.crls.now", lambda moment=moment: moment)
            (made,) = installation.crls.generate("Root")
        found.append((made.this_update > end, len(x509.load_der_x509_crl(made.der))))
    assert found == [(False, 1), (False, 1), (False, 1), (True, 1), (True, 0)]
