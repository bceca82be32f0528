"""Claims: one process has a thing to itself, until it is done, is gone, or has taken too long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from anchorhold.ledger import claims, process_liveness
from anchorhold.operations.claims import claimed
from ledger.running import run_at_once

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from anchorhold.ledger.claims import Claim

_TAKE = """
import sys, time
import anchorhold
with anchorhold.open_installation() as installation:
    with installation.ledger.transaction():
        assert installation.ledger.claims.claim("thing", "being tried")[1]
    print("taken", flush=True)
    time.sleep(60)
"""


def take(installation: Installation) -> tuple[Claim, bool]:
    """Claim the thing, or find out who has it."""
    with installation.ledger.transaction():
        return installation.ledger.claims.claim("thing", "being tried")


def set_end(installation: Installation, seconds: int) -> None:
    """Have the claim end so many seconds from now."""
    with installation.ledger.transaction():
        book = installation.ledger.claims
        book._model.update(until=book._now() + seconds).execute()


def elsewhere(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Claim:
    """A claim of a process that nobody here can look for."""
    with monkeypatch.context() as patched:
        patched.setattr(claims, "process_identity", lambda: "another-boot pid:[1] 5")
        return take(installation)[0]


def test_who_has_a_thing_has_it_alone_until_it_is_given_back(installation: Installation) -> None:
    with claimed(installation.ledger, "thing", "being tried", "the thing"):
        other, mine = take(installation)
        assert not mine
        assert (other.work, other.process) == ("being tried", os.getpid())
    assert take(installation)[1]


def test_a_process_that_was_killed_here_has_nothing_any_more(installation: Installation) -> None:
    holder = subprocess.Popen([sys.executable, "-c", _TAKE], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "taken\n"
    assert not take(installation)[1]
    holder.send_signal(signal.SIGSTOP)
    assert not take(installation)[1]
    holder.kill()
    while process_liveness._start_time(holder.pid):  # it is a zombie now, which nobody has waited for
        time.sleep(0.01)
    assert take(installation)[1]
    holder.communicate()


def test_another_process_with_its_number_does_not_stand_for_it() -> None:
    life = process_liveness.process_identity()
    assert process_liveness.may_be_alive(os.getpid(), life)
    world, _, started = life.rpartition(" ")
    assert not process_liveness.may_be_alive(os.getpid(), f"{world} {int(started) + 1}")


def test_a_process_of_another_machine_is_waited_for_until_its_time_is_over(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = elsewhere(installation, monkeypatch)
    assert not take(installation)[1]
    set_end(installation, -1)
    assert take(installation)[1]
    with installation.ledger.transaction():
        assert not installation.ledger.claims.confirm(claim)


def test_one_whose_time_is_over_goes_on_if_nobody_has_taken_over(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = elsewhere(installation, monkeypatch)
    set_end(installation, -1)
    with installation.ledger.transaction():
        assert installation.ledger.claims.confirm(claim)
    assert not take(installation)[1]


def test_a_claim_of_a_clock_that_was_years_ahead_is_none_which_is_said(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere(installation, monkeypatch)
    set_end(installation, 5 * 365 * 86_400)
    assert take(installation)[1]
    (said,) = caplog.messages
    assert said.startswith("thing: a claim of process ")
    assert "is dated in the future (until 20" in said


@pytest.mark.slow(because="many processes")
def test_of_many_that_claim_at_once_one_has_it(database: str, tmp_path: Path) -> None:
    outputs = run_at_once(
        6,
        tmp_path,
        """
        with open_installation() as installation:
            ledger = installation.ledger
            meet("ready")
            with ledger.transaction():
                print(ledger.claims.claim("thing", "being tried")[1])
            meet("done")
        """,
    )
    assert sorted(outputs) == ["False\n"] * 5 + ["True\n"]


@pytest.mark.databases("postgresql", because="a database server has a clock of its own")
def test_on_a_server_its_clock_counts_and_not_that_of_a_host(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(installation, monkeypatch)
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert not take(installation)[1]


def test_a_clock_that_is_put_back_by_seconds_takes_nothing_from_who_is_at_work(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(installation, monkeypatch)
    set_end(installation, claims.LEASE + 30)
    assert not take(installation)[1]
    set_end(installation, claims.LEASE + 3600)
    assert take(installation)[1]
