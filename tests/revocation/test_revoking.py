"""``revoke-cert``: what can be revoked, for what, and what is refused with one clear line."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import errors
from anchorhold.x509.crl_entries import REASONS
from cli.cli_steps import certificate, good, listed, refused
from revocation.crl_steps import entries, leaf, made_by, new_list, reasons, record, serial_of, signed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each has its own locks")
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as the standard": str,
    "lower case": str.lower,
    "upper case": str.upper,
    "hyphens": lambda name: "".join(f"-{letter}" if letter.isupper() else letter for letter in name),
    "underscores": lambda name: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name),
}


@pytest.fixture
def root(anchorhold: Command, csr_file: Path) -> Command:
    """The command line of an installation with the authority ``Root``, and a request in ``example.csr``."""
    assert csr_file.name == "example.csr"
    good(anchorhold("init-ca", "Root", "CN=Root"))
    return anchorhold


def _state(anchorhold: Command, serial: str) -> tuple[str | None, str | None]:
    """Since when a certificate is revoked, and why."""
    (found,) = (entry for entry in listed(anchorhold, "list-certs") if entry["serial"] == serial)
    return found["revoked_at"], found["revocation_reason"]


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_taken_in_any_spelling_and_is_in_the_list(
    reason: str, installation: Installation, make_csr: MakeCsr
) -> None:
    installation.authorities.create("Root", "CN=Root")
    csr = make_csr()
    revoked: list[str] = []
    for spelled in SPELLINGS.values():
        found = installation.revocations.revoke(serial_of(leaf(installation, "Root", csr)), spelled(reason))
        revocation = installation.revocations.get(found)
        assert revocation is not None
        assert revocation.reason == reason
        revoked.append(found.serial)
    (full,) = made_by(installation, "Root")
    assert reasons(full) == dict.fromkeys(revoked, None if reason == "unspecified" else reason)


def test_revoking_without_a_reason_leaves_it_unspecified(root: Command) -> None:
    serial = signed(root)
    assert serial in good(root("revoke-cert", serial)).talk
    assert _state(root, serial)[1] == "unspecified"
    assert reasons(new_list(root)) == {serial: None}


@pytest.mark.parametrize(
    ("reason", "hint"), [("keycompromize", "keyCompromise"), ("removeFromCRL", "key"), ("", ""), ("7", "")]
)
def test_a_reason_that_is_none_is_refused(reason: str, hint: str, root: Command) -> None:
    serial = signed(root)
    refused(root("revoke-cert", serial, f"--reason={reason}"), errors.InputError, f"reason {reason!r}", hint)
    assert _state(root, serial) == (None, None)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-01-31", dt.datetime(2026, 1, 31, tzinfo=dt.UTC)),
        ("2025-06-30T12:30:15", dt.datetime(2025, 6, 30, 12, 30, 15, tzinfo=dt.UTC)),
        ("2025-06-30T12:30:15+02:00", dt.datetime(2025, 6, 30, 10, 30, 15, tzinfo=dt.UTC)),
        ("1949-12-31", dt.datetime(1949, 12, 31, tzinfo=dt.UTC)),
        ("0999-01-02", dt.datetime(999, 1, 2, tzinfo=dt.UTC)),
    ],
)
def test_an_invalidity_date_is_in_the_list_as_it_was_meant(typed: str, meant: dt.datetime, root: Command) -> None:
    serial = signed(root)
    good(root("revoke-cert", serial, "--reason=keyCompromise", f"--invalidity-date={typed}"))
    found = entries(new_list(root))[serial].extensions
    assert found.get_extension_for_class(x509.InvalidityDate).value.invalidity_date_utc == meant
    assert not any(part.critical for part in found)


@pytest.mark.parametrize("typed", ["2999-01-01", "yesterday", ""])
def test_an_invalidity_date_that_cannot_be_is_refused(typed: str, root: Command) -> None:
    serial = signed(root)
    refused(root("revoke-cert", serial, f"--invalidity-date={typed}"), errors.ValidityError, repr(typed))
    assert _state(root, serial) == (None, None)


def test_what_is_on_hold_can_be_released_and_is_good_again(root: Command) -> None:
    serial, other = signed(root), signed(root)
    for each in (serial, other):
        assert "--release" in good(root("revoke-cert", each, "--reason=certificateHold")).talk
    assert reasons(new_list(root)) == dict.fromkeys((serial, other), "certificateHold")
    assert serial in good(root("revoke-cert", serial, "--release")).talk
    assert _state(root, serial) == (None, None)
    assert reasons(new_list(root)) == {other: "certificateHold"}
    good(root("revoke-cert", serial, "--reason=superseded"))
    assert reasons(new_list(root)) == {other: "certificateHold", serial: "superseded"}


def test_what_was_on_hold_and_is_revoked_for_good_keeps_its_dates(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.authorities.create("Root", "CN=Root")
    serial = serial_of(leaf(installation, "Root", make_csr()))
    since = dt.datetime(2020, 5, 5, tzinfo=dt.UTC)
    installation.revocations.revoke(serial, "certificateHold", since)
    held = entries(made_by(installation, "Root")[0])[serial]
    later = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)
    for module in ("revocation", "crls"):
        monkeypatch.setattr(f"anchorhold.operations.{module}.now", lambda: later)
    installation.revocations.revoke(serial, "keyCompromise")
    entry = entries(made_by(installation, "Root")[0])[serial]
    assert entry.revocation_date_utc == held.revocation_date_utc < later
    found = {type(part.value): part.value for part in entry.extensions}
    assert found == {
        x509.CRLReason: x509.CRLReason(x509.ReasonFlags.key_compromise),
        x509.InvalidityDate: x509.InvalidityDate(since.replace(tzinfo=None)),
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [("keyCompromise", "keyCompromise"), ("superseded", "certificateHold"), ("certificateHold", "certificateHold")],
)
def test_revoking_twice_is_refused_and_changes_nothing(first: str, second: str, root: Command) -> None:
    serial = signed(root)
    good(root("revoke-cert", serial, f"--reason={first}"))
    before = _state(root, serial)
    refused(root("revoke-cert", serial, f"--reason={second}"), errors.RevocationError, serial, first)
    assert _state(root, serial) == before


@pytest.mark.parametrize("reason", [None, "superseded"])
def test_releasing_what_is_not_on_hold_is_refused(reason: str | None, root: Command) -> None:
    serial = signed(root)
    if reason is not None:
        good(root("revoke-cert", serial, f"--reason={reason}"))
    before = _state(root, serial)
    words = ("is not revoked",) if reason is None else ("permanently", reason)
    refused(root("revoke-cert", serial, "--release"), errors.RevocationError, serial, *words)
    assert _state(root, serial) == before


@pytest.mark.parametrize("more", [("--reason=superseded",), ("--invalidity-date=2020-01-01",)])
def test_a_release_takes_no_reason_and_no_date(more: tuple[str, ...], root: Command) -> None:
    serial = signed(root)
    good(root("revoke-cert", serial, "--reason=certificateHold"))
    refused(root("revoke-cert", serial, "--release", *more), errors.InputError, "--release")
    assert _state(root, serial)[1] == "certificateHold"


@pytest.mark.parametrize("more", [(), ("--release",)])
@pytest.mark.parametrize(
    ("serial", "error"),
    [("00" * 20, errors.UnknownCertificateError), ("no hex", errors.InputError), ("a" * 2050, errors.InputError)],
)
def test_an_unknown_serial_number_is_refused(
    serial: str, error: type[errors.AnchorholdError], more: tuple[str, ...], root: Command
) -> None:
    refused(root("revoke-cert", serial, *more), error, serial)


def test_a_serial_number_is_taken_with_colons_in_capitals_and_by_its_beginning(root: Command) -> None:
    revoked = []
    for form in ("{0}", "{1}", "{2}", "0x{0}", "{3}"):
        serial = signed(root)
        colons = ":".join(serial[at : at + 2] for at in range(0, len(serial), 2))
        good(root("revoke-cert", form.format(serial, colons, colons.upper(), serial[:20])))
        revoked.append(serial)
    assert set(entries(new_list(root))) == set(revoked)


def test_a_beginning_that_fits_several_revokes_none(root: Command) -> None:
    serials = [signed(root) for _ in range(17)]  # two of 17 begin with the same hex digit
    first = next(digit for digit in "0123456789abcdef" if sum(serial[0] == digit for serial in serials) > 1)
    refused(root("revoke-cert", first), errors.UnknownCertificateError, "several")
    assert len(new_list(root)) == 0


@pytest.mark.parametrize(
    ("recorded", "typed"), [("abcd", "00ABCD"), ("abcd", "00:ab:cd"), ("01", "1"), ("0abc", "abc"), ("0abc", "000ABC")]
)
def test_a_whole_serial_number_is_taken_in_any_form_however_short(
    recorded: str, typed: str, root: Command, installation: Installation
) -> None:
    for serial in (recorded, "1f00", "abc123"):  # which begin with the same digits
        record(installation, serial)
    assert f"certificate {recorded} " in good(root("revoke-cert", typed)).talk
    assert set(entries(new_list(root))) == {recorded}
    assert installation.certificates.get(typed).serial == recorded


@pytest.mark.parametrize("more", [(), ("--release",)])
@pytest.mark.parametrize("typed", ["ABC", "0xabc", "ab:c", "00abc"])
def test_a_few_digits_of_another_serial_number_revoke_nothing(
    typed: str, more: tuple[str, ...], root: Command, installation: Installation
) -> None:
    record(installation, "abcd")
    refused(root("revoke-cert", typed, *more), errors.UnknownCertificateError, "abcd", "8 digits")
    assert len(new_list(root)) == 0


def test_a_root_cannot_revoke_itself(root: Command) -> None:
    own = certificate(root("view-ca", "Root", "-f", "pem"))
    refused(root("revoke-cert", serial_of(own)), errors.RevocationError, "root 'Root'", "edit-ca")
    assert len(new_list(root)) == 0


def test_an_intermediate_is_on_the_list_of_its_parent(root: Command) -> None:
    good(root("init-ca", "Issuing", "CN=Issuing", "--parent=Root"))
    serial = serial_of(certificate(root("view-ca", "Issuing", "-f", "pem")))
    good(root("revoke-cert", serial, "--reason=cACompromise"))
    assert reasons(new_list(root, "Root")) == {serial: "cACompromise"}
    assert len(new_list(root, "Issuing")) == 0


def test_what_has_expired_can_be_revoked_and_is_on_the_next_list(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 3.3 of RFC 5280: an entry stays until it was on a list made after its certificate had expired."""
    installation.authorities.create("Root", "CN=Root")
    cert = leaf(installation, "Root", make_csr())
    made_by(installation, "Root")
    moment = cert.not_valid_after_utc
    for module in ("revocation", "crls"):
        monkeypatch.setattr(f"anchorhold.operations.{module}.now", lambda: moment)
    found: list[int] = []
    for _ in range(4):
        moment += dt.timedelta(days=1)
        if len(found) == 1:
            installation.revocations.revoke(serial_of(cert), "keyCompromise")
        found.append(len(made_by(installation, "Root")[0]))
    assert found == [0, 1, 1, 0]  # it was revoked in the second that the second list was made in


def test_a_certificate_whose_signing_was_interrupted_can_be_revoked(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signature may exist somewhere: the ledger keeps the serial number for that very reason."""
    installation.authorities.create("Root", "CN=Root")
    with monkeypatch.context() as patched:
        patched.setattr("anchorhold.operations.signing_key.SigningKey.sign_draft", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            leaf(installation, "Root", make_csr())
    database = installation.ledger.database
    with installation.ledger.translate_errors():
        query = "SELECT serial FROM anchorhold_certificate WHERE status = 'abandoned'"
        ((serial,),) = database.execute_sql(query).fetchall()
    installation.revocations.revoke(serial, "keyCompromise")
    assert reasons(made_by(installation, "Root")[0]) == {serial: "keyCompromise"}


def _interrupted(*_: object) -> bytes:
    raise KeyboardInterrupt
