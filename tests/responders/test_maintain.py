"""``maintain`` renews what is due before it runs out: once, also when several run."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors
from anchorhold.ledger import IssuancePolicy, claims
from anchorhold.operations import authority, crls, maintenance, responder_cleanup, responders
from anchorhold.plugin.key_backend import KeyBackend
from anchorhold.x509.validity import now
from cli.cli_steps import good, refused
from forked import forked
from revocation.crl_steps import legacy

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command


pytestmark = pytest.mark.databases("sqlite", "postgresql", because="runs take turns by its locks")


def passed(monkeypatch: pytest.MonkeyPatch, time: dt.timedelta) -> None:
    """Let time pass for what looks after CRLs and responders."""
    for module in (authority, crls, responders, maintenance, responder_cleanup):
        monkeypatch.setattr(module, "now", lambda: now() + time)


def numbers(installation: Installation, name: str = "Root") -> list[int]:
    """The numbers of an authority's lists, the full one first."""
    shards = installation.authorities.get(name).record.issuing.crl_shards or 0
    made = [installation.crls.latest(name, shard) for shard in (None, *range(shards))]
    return [crl.number for crl in made if crl is not None]


def test_at_first_everything_is_due_and_then_nothing(anchorhold: Command, installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root", issuing=IssuancePolicy(hostname="ca.example", crl_shards=2))
    assert good(anchorhold("maintain")).talk.count("Root: ") == 4
    assert numbers(installation) == [1, 2, 3]
    assert good(anchorhold("maintain")).talk == ""


def test_a_revocation_makes_the_lists_due_that_it_belongs_to(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--hostname=ca.example", "--crl-shards=2"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--parent=Root"))
    good(anchorhold("maintain"))
    sub = installation.authorities.get("Sub").record
    installation.revocations.revoke(sub.serial or "")
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
    command = [*forked(), "maintain"]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    talk = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert sum(words.count("Root: ") for words in talk) == 2, talk
    assert numbers(installation) == [1]
    assert len(installation.ledger.responders.of(installation.authorities.get("Root").record.id)) == 1


def test_one_that_is_at_it_elsewhere_is_named_and_waited_for_until_its_claim_is_over(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    root = installation.authorities.get("Root").record.id
    with monkeypatch.context() as elsewhere, installation.ledger.transaction():
        elsewhere.setattr(socket, "gethostname", lambda: "elsewhere")
        elsewhere.setattr(claims, "process_identity", lambda: "")  # which nobody here can look for
        assert installation.ledger.claims.claim(f"maintenance {root}", "being maintained")[1]
    talk = good(anchorhold("maintain")).talk
    assert f"Root is being maintained by process {os.getpid()} on elsewhere (until " in talk
    assert "CRL" not in talk
    with installation.ledger.transaction():
        installation.ledger.database.execute_sql("UPDATE anchorhold_claim SET until = until - 601")
    assert "CRL number 1" in good(anchorhold("maintain")).talk


def test_a_key_that_needs_a_person_is_said_and_the_others_are_served(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Locked", "CN=Locked", "--password=secret"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    told = anchorhold("maintain")
    assert told.exit_code == errors.SecretMissingError.exit_code
    assert "Root: CRL number 1" in told.talk
    (line,) = [line for line in told.talk.splitlines() if "Locked" in line]
    assert line.startswith("anchorhold: Locked: ")
    assert "set ANCHORHOLD_PASSWORD" in line
    assert "--" not in line  # it has no flags for secrets


def test_those_that_are_named_are_looked_after_and_no_others(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Locked", "CN=Locked", "--password=secret"))
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("init-ca", "Other", "CN=Other"))
    talk = good(anchorhold("maintain", "Root")).talk
    assert {line.split(":")[0] for line in talk.splitlines()} == {"Root"}
    refused(anchorhold("maintain", "Root", "Nobody"), errors.UnknownAuthorityError, "Nobody")


@pytest.mark.parametrize(("command", "crls"), [("maintain", 1), ("regenerate-ocsp-keys", 0)])
def test_a_disabled_authority_is_kept_going(
    anchorhold: Command, installation: Installation, command: str, crls: int
) -> None:
    """What it has signed is about."""
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("edit-ca", "Root", "--disable"))
    good(anchorhold(command))
    root = installation.authorities.get("Root").record
    assert installation.ledger.responders.active(root.id) is not None
    assert numbers(installation) == [1][:crls]
    if command != "maintain":
        good(anchorhold(command, "Root", "--force"))


def test_a_backend_of_responders_that_is_away_does_not_keep_lists_from_being_made(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    real = KeyBackend.create_key

    def away(self: KeyBackend, request: Any, secrets: Any) -> Any:
        if self.role == "ocsp":
            raise errors.BackendFailedError("store: is away", hint="repeat")
        return real(self, request, secrets)

    monkeypatch.setattr(KeyBackend, "create_key", away)
    told = anchorhold("maintain")
    assert told.exit_code == errors.BackendFailedError.exit_code
    assert told.talk.splitlines()[0] == "Root: CRL number 1"
    assert told.talk.count("store: is away") == 1
    assert numbers(installation) == [1]


def test_an_old_key_that_cannot_be_destroyed_does_not_keep_anything_from_being_renewed(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("maintain"))
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    passed(monkeypatch, dt.timedelta(days=4))

    def away(self: KeyBackend, request: Any, secrets: Any) -> bool:
        raise errors.BackendFailedError("store: is away", hint="repeat")

    monkeypatch.setattr(KeyBackend, "delete_key", away)
    told = anchorhold("maintain")
    assert told.exit_code == errors.BackendFailedError.exit_code
    assert [line.split()[1] for line in told.talk.splitlines()] == ["CRL", "new", "Root:"]
    told = anchorhold("regenerate-ocsp-keys", "--force")
    assert told.exit_code == errors.BackendFailedError.exit_code
    assert "New responder of Root" in told.talk
    assert told.talk.count("store: is away") == 1


def test_after_an_authority_has_expired_its_last_key_is_destroyed_and_nothing_is_left_to_do(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--expires=3d"))
    good(anchorhold("maintain"))
    (tmp_path / "config.toml").write_text('[key_backends.rows]\nbackend = "db"\n')  # its own key is done with
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    passed(monkeypatch, dt.timedelta(days=4))
    assert good(anchorhold("maintain")).talk == "Root: destroyed 1 old responder key\n"
    assert list(tmp_path.glob("ca/ocsp/*.key")) == []
    assert good(anchorhold("maintain")).talk == ""
    assert "needs no responder" in good(anchorhold("regenerate-ocsp-keys")).talk
    monkeypatch.delenv("ANCHORHOLD_CONFIG")
    refused(anchorhold("regenerate-ocsp-keys", "Root"), errors.AuthorityExpiredError, "expired")
    assert numbers(installation) == [1]


def test_an_authority_whose_certificate_is_not_for_lists_has_a_responder_and_is_no_failure(
    anchorhold: Command, installation: Installation
) -> None:
    certificate, key = legacy(crl_sign=False)
    installation.authorities.import_("Legacy", certificate, key)
    assert "new responder" in good(anchorhold("maintain")).talk
    assert good(anchorhold("maintain")).talk == ""


def test_it_goes_on_until_it_is_told_to_end(anchorhold: Command, installation: Installation) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--parent=Root"))
    command = [sys.executable, "-m", "anchorhold", "maintain", "Root", "--every", "1s"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "CRL number 1" in process.stderr.readline()
        assert "new responder" in process.stderr.readline()
        installation.revocations.revoke(installation.authorities.get("Sub").record.serial or "")
        assert "CRL number 2" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("pause", ["soon", "0m", "10", "-1s"])
def test_a_pause_that_is_none_is_refused(anchorhold: Command, pause: str) -> None:
    refused(anchorhold("maintain", f"--every={pause}"), errors.ValidityError, pause)
