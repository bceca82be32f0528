"""Requests whose signing process is killed, or stands still while others go on, at each of its steps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from anchorhold import errors
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from interleaving.stops import COMMITTING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import MakeCsr
    from interleaving.world import Zygote

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="they lock, and let go, differently")

OPENED: Final = "import anchorhold, sys; ca = anchorhold.open_installation(); number = int(sys.argv[1]); "
SIGN: Final = OPENED + "ca.requests.sign(number)"
RESERVE: Final = OPENED + "ca.requests.reserve(number)"
REJECT: Final = OPENED + "ca.requests.reject(number, 'no')"
STAND_STILL: Final = """
import os, signal
from anchorhold.operations.certificate_drafter import CertificateDrafter
draft = CertificateDrafter.draft
def drafted(*given):
    os.kill(os.getpid(), signal.SIGSTOP)
    return draft(*given)
CertificateDrafter.draft = drafted
"""
"""Reserving stops once the request was read."""


class Worker(NamedTuple):
    """Runs code in a process of its own, which can be stopped at a step."""

    zygote: Zygote
    folder: Path

    def run(self, code: str, number: int, at: int | None = None, fate: str = "killed") -> dict[str, Any]:
        """How it ended; the code is None where it stands still."""
        talk = self.folder / "talk"
        talk.with_suffix(".steps").unlink(missing_ok=True)
        return self.zygote.ask(
            do="run",
            environment=dict(os.environ),
            folder=str(self.folder),
            talk=str(talk),
            at=at,
            fate=fate,
            arguments=["-c", code, str(number)],
        )

    def resume(self, ended: dict[str, Any]) -> dict[str, Any]:
        """Let it go on."""
        return self.zygote.ask(do="resume", process=ended["process"])

    @property
    def steps(self) -> list[str]:
        """Those that the last one reached."""
        return (self.folder / "talk.steps").read_text().splitlines()


@pytest.fixture
def worker(zygote: Zygote, tmp_path: Path) -> Worker:
    """With the settings of the test."""
    return Worker(zygote, tmp_path)


@pytest.fixture
def ready(database: str) -> Iterator[Installation]:
    """With an authority."""
    with open_installation() as opened:
        opened.authorities.create("Root", "CN=Root")
        yield opened


def _submitted(ca: Installation, csr: bytes, *, reserve: bool = True) -> int:
    number = ca.requests.submit("Root", Order(csr=csr, names=["a.example"])).id
    if reserve:
        ca.requests.reserve(number)
    return number


def _steps_of(worker: Worker, code: str, number: int) -> list[str]:
    assert worker.run(code, number)["code"] == 0
    return worker.steps


def _check(ca: Installation, number: int) -> str:
    """What is true of a request at any moment; its status."""
    kept = ca.requests.get(number)
    of_request = ca.ledger.certificates.find(kept.serial, abandoned=True) if kept.serial else []
    expected = {"waiting": [], "reserved": ["reserved"], "issued": ["issued"], "rejected": ["abandoned"]}
    assert [found.status for found in of_request] == expected[kept.status]
    assert ca.ledger.certificates.reserved(kept.changed_at) == [], "a reservation belongs to no request"
    return kept.status


def _lapse(ca: Installation) -> None:
    """Ten minutes pass for whoever has claimed a request."""
    with ca.ledger.transaction():
        ca.ledger.database.execute_sql("UPDATE anchorhold_claim SET until = 1 WHERE subject LIKE 'request %%'")


@pytest.mark.parametrize(("code", "ends"), [(SIGN, "issued"), (RESERVE, "reserved"), (REJECT, "rejected")])
def test_a_process_killed_at_any_step_leaves_what_can_be_done_again(
    ready: Installation, worker: Worker, make_csr: MakeCsr, code: str, ends: str
) -> None:
    csr, reserve = make_csr(), code != RESERVE
    steps = _steps_of(worker, code, _submitted(ready, csr, reserve=reserve))
    assert steps.count(COMMITTING) >= 1
    for at in range(len(steps)):
        number = _submitted(ready, csr, reserve=reserve)
        assert worker.run(code, number, at, "killed")["code"] == -9, steps[at]
        if _check(ready, number) != ends:
            assert worker.run(code, number)["code"] == 0, steps[at]
        assert _check(ready, number) == ends


@pytest.mark.parametrize("other", [SIGN, REJECT])
def test_what_a_process_did_that_stood_still_too_long_counts_only_if_nobody_was_faster(
    ready: Installation, worker: Worker, make_csr: MakeCsr, other: str
) -> None:
    csr = make_csr()
    steps = _steps_of(worker, SIGN, _submitted(ready, csr))
    recorded = len(steps) - steps[::-1].index(COMMITTING) - 2  # the commit after it gives the claim back
    for at in [at for at, step in enumerate(steps) if step != COMMITTING]:  # there nobody else could write
        number = _submitted(ready, csr)
        first = worker.run(SIGN, number, at, "stopped")
        assert first["code"] is None
        _lapse(ready)
        second = worker.run(other, number)["code"]
        settled = ready.requests.get(number)
        ended = worker.resume(first)["code"]
        assert _check(ready, number) == settled.status
        assert ready.requests.get(number) == settled, steps[at]
        assert settled.status in {"issued", "rejected"}
        assert (second == 0) != (ended == 0) or at >= recorded, steps[at]  # one of them only


def test_nobody_signs_or_rejects_what_is_being_signed(ready: Installation, worker: Worker, make_csr: MakeCsr) -> None:
    number = _submitted(ready, make_csr())
    stands = worker.run(SIGN, number, 1, "stopped")
    for deed in (lambda: ready.requests.sign(number), lambda: ready.requests.reject(number, "no")):
        with pytest.raises(errors.BusyError, match="being signed"):
            deed()
    assert worker.resume(stands)["code"] == 0
    assert _check(ready, number) == "issued"


def test_a_reservation_is_of_the_one_who_was_first(ready: Installation, worker: Worker, make_csr: MakeCsr) -> None:
    number = _submitted(ready, make_csr(), reserve=False)
    stands = worker.run(STAND_STILL + RESERVE, number)
    assert stands["code"] is None
    serial = ready.requests.reserve(number).serial
    assert worker.resume(stands)["code"] != 0
    assert _check(ready, number) == "reserved"
    assert ready.requests.get(number).serial == serial
