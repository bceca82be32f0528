"""A busy key is asked again while the caller waits, a lost answer is not asked for again, and a deadline is kept."""

from __future__ import annotations

import pickle
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import BackendBusyError, BackendFailedError, BackendUnreachedError, DeadlineError
from anchorhold.installation import open_installation
from anchorhold.operations.order import Order
from anchorhold.plugin import WRAPPERS_GROUP, SignRequest
from distant.distant_wrappers import Witness
from plugin.fake_backends import CA, offer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import MakeCsr
    from distant.distant_fixtures import Distant

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]


@pytest.fixture(params=["distant", "distant-batch"])
def root(
    request: pytest.FixtureRequest, distant: Distant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation with an authority whose key is in the service, and a witness around it."""
    offers = {"witness": "distant.distant_wrappers:Witness"}
    offer(monkeypatch, tmp_path / "witness", WRAPPERS_GROUP, offers, distribution="acme-witness")
    distant.configure(request.param, "[wrappers.witness]\n")
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        Witness.seen.clear()
        yield installation


def orders(make_csr: MakeCsr, count: int) -> list[Order]:
    csr = make_csr()
    return [Order(csr=csr, names=[f"h{number}.example"]) for number in range(count)]


def test_a_busy_key_is_asked_again_and_wrappers_see_each_request_once(
    root: Installation, distant: Distant, make_csr: MakeCsr
) -> None:
    distant.plan(plan=["busy"] * 5)
    with root.certificates.issuer("Root") as issuer:
        assert len(issuer.sign_many(orders(make_csr, 20))) == 20
    assert len(Witness.seen) == 20


def test_a_key_that_stays_busy_fails_in_time(root: Installation, distant: Distant, make_csr: MakeCsr) -> None:
    distant.plan(plan=["busy"] * 100, retry_after=20.0)
    begun = time.monotonic()
    with root.within(5).certificates.issuer("Root") as issuer, pytest.raises(BackendBusyError):
        issuer.sign_many(orders(make_csr, 20))
    assert time.monotonic() - begun < 5, "it is not worth waiting for"


def test_a_lost_answer_is_not_asked_for_again(root: Installation, distant: Distant, make_csr: MakeCsr) -> None:
    before = distant.seen()["signatures"]
    distant.plan(plan=["lost"])
    with root.certificates.issuer("Root") as issuer, pytest.raises(BackendFailedError) as caught:
        issuer.sign(orders(make_csr, 1)[0])
    assert not isinstance(caught.value, BackendUnreachedError), "it may have been signed, and was"
    assert distant.seen()["signatures"] == before + 1


def test_wrappers_and_backends_are_told_the_deadline(root: Installation, make_csr: MakeCsr) -> None:
    with root.within(50).certificates.issuer("Root") as issuer:
        issuer.sign_many(orders(make_csr, 2))
    assert len(Witness.seen) == 2
    for request in Witness.seen:
        assert 40 < request.deadline - time.monotonic() <= 50
        assert request.seconds_left(30.0) == 30.0
        assert 40 < request.seconds_left(100.0) <= 50


def test_the_time_that_is_left_is_never_negative() -> None:
    algorithm: Any = None
    request = SignRequest(message=b"", algorithm=algorithm, purpose="probe", ca=CA, deadline=time.monotonic() - 1)
    assert request.seconds_left(30.0) == 0.0


def test_after_the_deadline_nothing_is_asked_for_but_what_takes_back(root: Installation, distant: Distant) -> None:
    distant.plan(latency=1.5)
    before = distant.seen()["requests"]
    with pytest.raises(DeadlineError, match="the time is over"):
        root.within(1).authorities.create("Late", "CN=Late")
    assert distant.seen()["requests"] == before + 1, "the probe came too late, and nothing after it"
    assert not root.recovery.pending().authorities
    assert [authority.name for authority in root.authorities.list()] == ["Root"]


def test_a_command_waits_no_longer_than_it_was_told(distant: Distant, csr_file: Path) -> None:
    assert distant.run("init-ca", "Root", "CN=Root").returncode == 0
    distant.plan(plan=["busy"] * 100, retry_after=600.0)
    sign = ("sign-cert", "--ca", "Root", "--csr", str(csr_file), "--alt", "a.example")
    begun = time.monotonic()
    ended = distant.run("--timeout", "2", *sign)
    assert ended.returncode == BackendBusyError.exit_code, ended.stderr
    assert "is busy" in ended.stderr
    assert time.monotonic() - begun < 100
    ended = distant.run(*sign, "--timeout", "2")
    assert "Write --timeout before the name of the command." in ended.stderr


def test_an_error_keeps_what_it_says_when_it_crosses_processes() -> None:
    error = BackendBusyError("key backend 'kms': is busy", hint="try again later", retry_after=7.0)
    error.issued = ("one",)
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    assert (type(copied), str(copied), copied.retry_after, copied.issued) == (type(error), str(error), 7.0, ("one",))


WAITS = """
import sys, anchorhold
with anchorhold.open_installation() as installation, installation.certificates.issuer("Root") as issuer:
    csr = open(sys.argv[1], "rb").read()
    print("begin", flush=True)
    issuer.sign_many([anchorhold.Order(csr=csr, names=[f"h{n}.example"]) for n in range(200)])
"""


def test_an_interrupted_batch_does_not_wait_for_a_busy_key(
    root: Installation, distant: Distant, csr_file: Path
) -> None:
    distant.plan(plan=["busy"] * 1000, retry_after=20.0)
    process = distant.start(WAITS, str(csr_file))
    time.sleep(1.0)  # all of its threads wait
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert time.monotonic() - begun < 10
    assert process.returncode
    assert [found.profile for found in root.certificates.list(limit=10)] == ["authority"]
