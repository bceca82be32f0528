"""``maintain`` renews what is due before it runs out: once, also when several run."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from anchorhold.issuing import maintenance, responders
from anchorhold.x509.validity import now
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from anchorhold import Installation
    from conftest import Command


def passed(monkeypatch: pytest.MonkeyPatch, time: dt.timedelta) -> None:
    """Let time pass for what looks after CRLs and responders."""
    for module in (responders, maintenance):
        monkeypatch.setattr(module, "now", lambda: now() + time)


def numbers(installation: Installation, name: str = "Root") -> list[int]:
    """The numbers of an authority's lists, the full one first."""
    shards = installation.authority(name).record.issuing.crl_shards or 0
    made = [installation.crl(name, shard) for shard in (None, *range(shards))]
    return [crl.number for crl in made if crl is not None]


def test_at_first_everything_is_due_and_then_nothing(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--hostname=ca.example", "--crl-shards=2"))
    assert good(anchorhold("maintain")).talk.count("Root: ") == 4
    assert numbers(installation) == [1, 2, 3]
    assert good(anchorhold("maintain")).talk == ""


def test_a_revocation_makes_the_lists_due_that_it_belongs_to(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--hostname=ca.example", "--crl-shards=2"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--parent=Root"))
    good(anchorhold("maintain"))
    sub = installation.authority("Sub").record
    installation.revoke(sub.serial or "")
    assert good(anchorhold("maintain")).talk.count("Root: CRL") == 2
    shard = int(sub.serial or "", 16) % 2
    assert numbers(installation)[1 + shard] == 5
    assert numbers(installation)[2 - shard] <= 3


@pytest.mark.parametrize(("days", "crls", "responder"), [(1, 0, 0), (4, 1, 1)])
def test_halfway_through_its_life_everything_is_renewed(
    anchorhold: Command, monkeypatch: pytest.MonkeyPatch, days: int, crls: int, responder: int
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("maintain"))
    passed(monkeypatch, dt.timedelta(days=days))
    talk = good(anchorhold("maintain")).talk
    assert (talk.count("CRL number"), talk.count("new responder")) == (crls, responder)


def test_several_at_once_renew_everything_once(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    command = [sys.executable, "-m", "anchorhold", "maintain"]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    talk = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert sum(words.count("Root: ") for words in talk) == 2, talk
    assert numbers(installation) == [1]
    assert len(installation.ledger.responders.of(installation.authority("Root").record.id)) == 1


def test_one_that_died_at_it_keeps_others_waiting_for_its_lease_only(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    ledger, root = installation.ledger, installation.authority("Root").record.id
    moment = now()
    with ledger.transaction():
        assert ledger.leases.take(root, "dead", moment, moment + maintenance.LEASE)
    assert good(anchorhold("maintain")).talk == ""
    passed(monkeypatch, maintenance.LEASE + dt.timedelta(seconds=2))
    assert "CRL number 1" in good(anchorhold("maintain")).talk


def test_a_key_that_needs_a_person_is_said_and_the_others_are_served(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Locked", "CN=Locked", "--password=secret"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    told = anchorhold("maintain")
    assert told.exit_code == errors.SecretMissingError.exit_code
    assert "Root: CRL number 1" in told.talk


def test_it_goes_on_until_it_is_told_to_end(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--parent=Root"))
    good(anchorhold("edit-ca", "Sub", "--disable"))
    command = [sys.executable, "-m", "anchorhold", "maintain", "--every", "1s"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "new responder" in process.stderr.readline()
        assert "CRL number 1" in process.stderr.readline()
        installation.revoke(installation.authority("Sub").record.serial or "")
        assert "CRL number 2" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("pause", ["soon", "0m", "10", "-1s"])
def test_a_pause_that_is_none_is_refused(anchorhold: Command, pause: str) -> None:
    refused(anchorhold("maintain", f"--every={pause}"), errors.ValidityError, pause)
