"""What is left when the process is killed, and that nothing of it is lost."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from anchorhold.errors import LedgerError
from anchorhold.ledger.claims import ClaimRepository
from anchorhold.operations.order import Order
from forked import forked

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.ledger.claims import Claim
    from conftest import Command

_KILLED = """
import os, signal, sys
import anchorhold
from anchorhold.{module} import {owner}

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

{owner}.{method} = die
with anchorhold.open_installation() as installation:
    {action}
"""

_CREATE = 'installation.authorities.create("Root", "CN=Root", secrets={"password": "unguessable"})'
_ORDER = 'anchorhold.Order(csr=open("example.csr", "rb").read(), names=["example.com"])'
_SIGN = f'installation.certificates.issuer("Root").sign({_ORDER})'
LEDGER = ("ledger.authorities", "AuthorityRepository")


def _kill_at(module: str, owner: str, method: str, action: str) -> None:
    """Run an action in a process that is killed the moment it calls that method."""
    script = _KILLED.format(module=module, owner=owner, method=method, action=action)
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


def _keys(ca_dir: Path) -> list[Path]:
    return list(ca_dir.rglob("*.key"))


@pytest.fixture
def killed_after_create_key(installation: Installation) -> None:
    """A root whose key was made and whose handle was never recorded."""
    _kill_at(*LEDGER, "record_key", _CREATE)


@pytest.mark.usefixtures("killed_after_create_key")
def test_the_key_is_found_again_by_its_id_and_the_authority_finished(
    anchorhold: Command, installation: Installation, ca_dir: Path, csr_file: Path
) -> None:
    assert len(_keys(ca_dir)) == 1
    shown = anchorhold("recover")
    assert shown.exit_code == 63
    assert "--finish Root" in shown.talk
    finished = anchorhold("recover", "--finish", "Root", "--password", "unguessable")
    assert finished.exit_code == 0, finished.talk
    assert anchorhold("recover").exit_code == 0
    assert len(_keys(ca_dir)) == 1
    with installation.certificates.issuer("Root", {"password": "unguessable"}) as issuer:
        issuer.sign(Order(csr=csr_file.read_bytes(), names=["example.com"]))


@pytest.mark.usefixtures("killed_after_create_key")
@pytest.mark.parametrize(
    ("ends", "code", "told"),
    [
        (("recover", "--finish", "Root", "--password", "unguessable"), 51, "exists already; choose another name"),
        (("recover", "--abandon", "Root"), 0, "Created authority Root"),
    ],
    ids=["finished", "abandoned"],
)
def test_what_ends_while_it_is_looked_at_was_not_interrupted(
    ends: tuple[str, ...],
    code: int,
    told: str,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    anchorhold: Command,
) -> None:
    """The process that is at work ends between the moment its authority is read and the one its claim is."""
    real, ended = ClaimRepository.of, False

    def of(self: ClaimRepository, subject: str) -> Claim | None:
        nonlocal ended
        if not ended:
            ended = True
            command = [*forked(), *ends]
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        return real(self, subject)

    monkeypatch.setattr(ClaimRepository, "of", of)
    pending = installation.recovery.pending()
    assert (pending.authorities, pending.under_way) == ((), ())
    again = anchorhold("init-ca", "Root", "CN=Another")
    assert again.exit_code == code, again.talk
    assert told in again.talk


@pytest.mark.usefixtures("killed_after_create_key")
def test_the_key_is_found_again_without_its_password_and_destroyed(anchorhold: Command, ca_dir: Path) -> None:
    abandoned = anchorhold("recover", "--abandon", "Root")
    assert abandoned.exit_code == 0, abandoned.talk
    assert "its key is destroyed" in abandoned.talk
    assert _keys(ca_dir) == []
    assert anchorhold("init-ca", "Root", "CN=Root").exit_code == 0


@pytest.mark.usefixtures("killed_after_create_key")
def test_the_name_of_a_pending_authority_is_taken_and_it_cannot_sign(anchorhold: Command, csr_file: Path) -> None:
    again = anchorhold("init-ca", "Root", "CN=Root")
    assert (again.exit_code, again.talk.count("\n")) == (51, 1)
    assert "anchorhold recover" in again.talk
    assert anchorhold("sign-cert", "--ca", "Root", "--csr", str(csr_file), "--alt", "a.example").exit_code == 55


@pytest.mark.usefixtures("killed_after_create_key")
def test_a_wrong_password_while_finishing_changes_nothing(anchorhold: Command, ca_dir: Path) -> None:
    assert anchorhold("recover", "--finish", "Root", "--password", "wrong").exit_code == 21
    assert len(_keys(ca_dir)) == 1
    assert anchorhold("recover", "--finish", "Root", "--password", "unguessable").exit_code == 0


def test_killed_before_the_key_was_made_there_is_nothing_to_finish(anchorhold: Command, ca_dir: Path) -> None:
    _kill_at("plugin.key_backend", "KeyBackend", "create_key", _CREATE)
    assert anchorhold("recover", "--finish", "Root").exit_code == 30
    abandoned = anchorhold("recover", "--abandon", "Root")
    assert (abandoned.exit_code, "no key exists" in abandoned.talk) == (0, True)
    assert anchorhold("recover").exit_code == 0


def test_killed_after_the_key_was_recorded_the_authority_is_finished(anchorhold: Command) -> None:
    _kill_at(*LEDGER, "activate", _CREATE)
    assert anchorhold("recover", "--finish", "Root", "--password", "unguessable").exit_code == 0
    assert anchorhold("view-ca", "Root").exit_code == 0


def test_killed_while_signing_the_reservation_is_evidence_and_can_be_closed(
    anchorhold: Command, installation: Installation, csr_file: Path
) -> None:
    installation.authorities.create("Root", "CN=Root")
    _kill_at("ledger.certificates", "CertificateRepository", "complete", _SIGN)
    assert anchorhold("recover").exit_code == 0, "younger than ten minutes, it may be under way"
    shown = anchorhold("recover", "--older-than", "0")
    assert (shown.exit_code, "CN=example.com" in shown.talk) == (63, True)
    (reserved,) = installation.recovery.pending(dt.timedelta()).certificates
    assert reserved.tbs is not None
    assert [record.profile for record in installation.certificates.list()] == ["authority"]
    assert anchorhold("recover", "--certificates", "--older-than", "0").exit_code == 0
    assert anchorhold("recover", "--older-than", "0").exit_code == 0
    with pytest.raises(LedgerError):
        installation.ledger.certificates.complete(reserved.authority_id, [(reserved.serial, b"too late")])


def test_a_failed_creation_leaves_neither_key_nor_name(anchorhold: Command, ca_dir: Path) -> None:
    """The signature cannot be recorded, so the key is destroyed and the name is free again."""
    assert anchorhold("init-ca", "Root", "CN=Root", "--password", "one").exit_code == 0
    keys = _keys(ca_dir)
    failed = anchorhold("init-ca", "Issuing", "CN=Issuing", "--parent", "Root", "--parent-password", "other")
    assert failed.exit_code == 21
    assert _keys(ca_dir) == keys
    assert anchorhold("recover").exit_code == 0
