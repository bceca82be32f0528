"""What was made while the clock was ahead is replaced or dated back by the next ``maintain``, which says so."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors
from anchorhold.x509.validity import now
from cli.cli_steps import good, refused
from clocks.clock_steps import at, newest_list
from revocation.crl_steps import entries, signed

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from anchorhold.ledger.records import ResponderRecord
    from conftest import Command

YEAR = str((now() + dt.timedelta(days=3650)).year)
"""Which it is for commands with a clock ten years ahead."""


@pytest.fixture
def root(anchorhold: Command, installation: Installation, csr_file: Path) -> str:
    """The serial number of a certificate of ``Root``, which are good for longer than the clock is ahead."""
    assert csr_file.name == "example.csr"
    good(anchorhold("init-ca", "Root", "CN=Root", "--expires=20y"))
    good(anchorhold("edit-ca", "Root", "--hostname=ca.example"))
    return signed(anchorhold)


def responders(installation: Installation) -> list[ResponderRecord]:
    """Those whose keys exist."""
    with installation.ledger.translate_errors():
        return installation.ledger.responders.of(installation.authorities.get("Root").record.id)


def event(installation: Installation, kind: str) -> dict[str, Any]:
    """What the last event of a kind says."""
    with installation.ledger.translate_errors():
        return next(dict(found.detail) for found in installation.ledger.events.history() if found.kind == kind)


def test_a_list_and_a_responder_of_the_future_are_replaced_and_that_is_said(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(at("+10y", "maintain"))
    assert newest_list(installation).last_update_utc.year == int(YEAR)
    talk = good(anchorhold("maintain")).talk
    assert talk.count(f"the one before was dated in the future ({YEAR}-") == 2, talk
    crl = newest_list(installation)
    assert crl.last_update_utc <= now() < crl.next_update_utc  # type: ignore[operator]  # of ours there always is one
    assert installation.crls.latest("Root").number == 2  # type: ignore[union-attr]  # just read
    active = [found for found in responders(installation) if found.status == "active"]
    assert [found.created_at <= now() for found in active] == [True]
    assert good(anchorhold("maintain")).talk == ""


def test_regenerating_replaces_a_responder_of_the_future_without_being_forced(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(at("+10y", "regenerate-ocsp-keys"))
    assert "New responder of Root" in good(anchorhold("regenerate-ocsp-keys")).talk
    assert "is not due" in good(anchorhold("regenerate-ocsp-keys")).talk


@pytest.mark.parametrize("command", ["maintain", "generate-crls"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_revocation_of_the_future_begins_now(
    anchorhold: Command, installation: Installation, root: str, command: str, listed: bool
) -> None:
    """Programs may take a certificate for good until the date of its revocation."""
    good(anchorhold("generate-crls"))
    good(at("+10y", "revoke-cert", root, "--reason=keyCompromise"))
    if listed:
        good(at("+10y", "generate-crls"))
    before = now()
    talk = good(anchorhold(command)).talk
    assert command != "maintain" or f"certificate {root} was revoked in the future" in talk
    entry = entries(newest_list(installation))[root]
    assert before <= entry.revocation_date_utc <= now()
    assert installation.revocations.of([installation.certificates.get(root)])[
        installation.certificates.get(root).id
    ].revoked_at == (entry.revocation_date_utc)
    assert event(installation, "revocation-redated")["was"]["revoked_at"].startswith(YEAR)
    assert "revoked in the future" not in good(anchorhold("maintain")).talk
    assert installation.crls.latest("Root").last_revocation_id  # type: ignore[union-attr]  # just read


def test_a_hold_of_the_future_can_be_released_and_made_final(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(at("+10y", "revoke-cert", root, "--reason=certificateHold"))
    good(anchorhold("maintain"))
    since = entries(newest_list(installation))[root].revocation_date_utc
    good(anchorhold("revoke-cert", root, "--reason=superseded"))
    good(anchorhold("maintain"))
    assert entries(newest_list(installation))[root].revocation_date_utc == since <= now()


def test_what_was_revoked_at_its_time_keeps_its_date(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(anchorhold("revoke-cert", root))
    (known,) = installation.revocations.of([installation.certificates.get(root)]).values()
    good(at("+10y", "maintain"))
    good(anchorhold("maintain"))
    assert entries(newest_list(installation))[root].revocation_date_utc == known.revoked_at


def test_a_responder_that_retired_in_the_future_is_destroyed_once_its_last_answer_has_run_out(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(at("+10y", "maintain"))
    good(at("+10y", "regenerate-ocsp-keys", "--force"))
    assert "1 old responder key retired in the future" in good(anchorhold("maintain")).talk
    ends = [found.answers_until for found in responders(installation) if found.answers_until is not None]
    assert len(ends) == 2
    assert max(ends) <= now() + dt.timedelta(days=1)
    assert "destroyed 2 old responder keys" in good(at("+2d", "maintain")).talk


def test_a_key_whose_making_was_interrupted_in_the_future_is_destroyed(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(anchorhold("maintain"))
    ledger, row = installation.ledger, installation.authorities.get("Root").record.id
    with ledger.transaction():
        ledger.responders.begin(row, key_backend="default", backend_type="storages", key_id=b"x" * 20, secrets={})
        ahead = int((now() + dt.timedelta(days=3650)).timestamp())
        ledger.database.execute_sql(
            f"UPDATE anchorhold_responder SET created_at = {ahead} WHERE status = 'pending'"  # noqa: S608
        )
    assert "1 old responder key begun in the future" in good(anchorhold("maintain")).talk
    assert [found.status for found in responders(installation)] == ["active", "pending"]  # it may be under way
    good(at("+11m", "maintain"))
    assert [found.status for found in responders(installation)] == ["active"]


def test_a_reservation_of_the_future_is_interrupted_too(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    ledger = installation.ledger
    with ledger.transaction():
        ahead = int((now() + dt.timedelta(days=3650)).timestamp())
        ledger.database.execute_sql(
            f"UPDATE anchorhold_certificate SET status = 'reserved', reserved_at = {ahead} "  # noqa: S608
            f"WHERE serial = '{root}'"
        )
    told = anchorhold("recover")
    assert told.exit_code == errors.RecoveryNeededError.exit_code
    assert root in told.talk
    assert "Closed 1" in good(anchorhold("recover", "--certificates")).talk
    good(anchorhold("recover"))


@pytest.mark.parametrize("seconds", [-500, 0, 500])
def test_a_reservation_by_a_host_whose_clock_is_minutes_apart_is_under_way(
    anchorhold: Command, installation: Installation, root: str, seconds: int
) -> None:
    made = int(now().timestamp()) + seconds
    with installation.ledger.transaction():
        installation.ledger.database.execute_sql(
            f"UPDATE anchorhold_certificate SET status = 'reserved', reserved_at = {made} "  # noqa: S608
            f"WHERE serial = '{root}'"
        )
    assert "No interrupted operations" in good(anchorhold("recover")).talk


def test_a_clock_that_is_far_behind_makes_and_destroys_nothing(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(anchorhold("maintain"))
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    before = newest_list(installation), responders(installation)
    told = at("-10y", "maintain")
    refused(told, errors.AuthorityExpiredError, "is not valid before", "check the clock")
    assert at("-10y", "generate-crls", "Root").exit_code == errors.AuthorityExpiredError.exit_code
    assert (newest_list(installation), responders(installation)) == before
    assert good(anchorhold("maintain")).talk == ""


def test_after_a_clock_was_so_far_ahead_that_the_authority_had_expired_a_new_responder_is_made(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    """Keys of responders are the only ones that a clock can destroy, and are made anew."""
    good(anchorhold("maintain"))
    assert "CRL" not in good(at("+30y", "maintain")).talk
    assert "new responder" in good(anchorhold("maintain")).talk
    assert [found.status for found in responders(installation)] == ["active"]
    signed(anchorhold)
    good(anchorhold("maintain"))


def test_lists_of_two_hosts_whose_clocks_are_minutes_apart_never_begin_before_one_another(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    begun, numbers = [], []
    for shift in ("+0", "+240", "-30", "+240", "+0"):
        good(at(shift, "generate-crls"))
        begun.append(newest_list(installation).last_update_utc)
        numbers.append(installation.crls.latest("Root").number)  # type: ignore[union-attr]  # just made
    assert begun == sorted(begun)
    assert begun[-1] <= now()
    assert numbers == [1, 2, 3, 4, 5]
    good(at("+240", "maintain"))
    assert good(at("+0", "maintain")).talk == good(at("+240", "maintain")).talk == ""


def test_an_authority_of_the_future_that_was_disabled_is_no_trouble_any_more(
    anchorhold: Command, installation: Installation, root: str
) -> None:
    good(anchorhold("maintain"))
    good(at("+10y", "init-ca", "Future", "CN=Future"))
    told = anchorhold("maintain")
    refused(told, errors.AuthorityExpiredError, "'Future': is not valid before", "edit-ca Future --disable")
    good(anchorhold("edit-ca", "Future", "--disable"))
    assert good(anchorhold("maintain")).talk == ""
    assert installation.authorities.get("Future").is_idle
