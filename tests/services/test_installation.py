"""The object that programs hold: what it shows, what it refuses, and who it says acts."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import audit, open_installation
from anchorhold.audit import Actor, AuditContext
from anchorhold.ledger.audits import HistoryFilter
from anchorhold.plugin.requests import CertificateAuthority, SignRequest
from anchorhold.software_keys import SoftwareSigner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation

SERVICES = {"authorities", "certificates", "history", "requests", "recovery"}


@pytest.fixture
def _nobody_known() -> Iterator[None]:
    """The user of this process is found out anew."""
    audit.shell_user.cache_clear()
    yield
    audit.shell_user.cache_clear()


def test_services_that_were_not_used_yet_are_offered(installation: Installation) -> None:
    assert set(dir(installation)) >= SERVICES | {"as_actor", "ledger"}
    assert not hasattr(installation, "serivces")
    assert not hasattr(installation, "__deepcopy__")


def test_threads_that_use_a_service_for_the_first_time_share_it(installation: Installation) -> None:
    together = Barrier(8)

    def first(_: int) -> Any:
        together.wait()
        return installation.history

    with ThreadPoolExecutor(8) as threads:
        assert len(set(map(id, threads.map(first, range(8))))) == 1


def test_a_misspelt_argument_is_refused_and_no_ledger_made(tmp_path: Path, database: str, ca_dir: Path) -> None:
    with pytest.raises(TypeError, match="unexpected arguments: creat"):
        open_installation(creat=False)  # type: ignore[call-arg]
    assert not ca_dir.exists()


def test_it_is_usable_again_after_it_was_closed(installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root")
    installation.close()
    assert [found.name for found in installation.authorities.list()] == ["Root"]


def test_threads_with_different_actors_share_an_installation(installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root")
    names = [f"user{number}" for number in range(6)]

    def work(name: str) -> None:
        with installation.as_actor(Actor("user", name)) as ca:
            for _ in range(3):
                ca.authorities.edit("Root", changes={"max_days": None})

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, names))
    for name in names:
        entries = list(installation.history.entries(wanted=HistoryFilter(actor=name)))
        assert [entry.kind for entry in entries] == ["authority-edited"] * 3
        assert len({entry.audit for entry in entries}) == 1


def test_a_wrapper_can_send_a_request_and_its_actor_to_another_process() -> None:
    request = SignRequest(
        message=b"m",
        algorithm=SoftwareSigner.__name__,  # type: ignore[arg-type]  # of no account here
        purpose="probe",
        ca=CertificateAuthority(name="Root", subject="CN=Root"),
        audit=AuditContext(Actor("user", "ann"), "7"),
    )
    assert pickle.loads(pickle.dumps(request)) == request  # noqa: S301  # our own


@pytest.mark.usefixtures("_nobody_known")
def test_the_user_is_that_of_the_account_whatever_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    whoami = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setenv("LOGNAME", "somebody else")
    assert audit.shell_user() == Actor("user", whoami, socket.gethostname())


@pytest.mark.usefixtures("_nobody_known")
def test_under_sudo_it_is_who_called_that_and_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    whoami = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setenv("SUDO_USER", "ann")
    assert audit.shell_user() == Actor("user", "ann", f"{socket.gethostname()} as {whoami}")


@pytest.mark.usefixtures("_nobody_known")
def test_an_account_in_no_table_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert audit.shell_user().name == "uid 54321"


def test_a_program_that_serves_is_no_user(installation: Installation) -> None:
    installation.as_actor("anchorhold serve").authorities.create("Root", "CN=Root")
    actors = {entry.audit.actor for entry in installation.history.entries() if entry.audit is not None}
    assert actors == {Actor("service", "anchorhold serve", socket.gethostname())}
