"""``serve`` while its clock is set, and beside what was made while one was ahead."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from anchorhold.x509.validity import now
from cli.cli_steps import good
from clocks.clock_steps import Clock, at
from server.serving import running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Command
    from server.serving import House, Server

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """Of the server; right at first."""
    return Clock(tmp_path, "+0")


@pytest.fixture
def server(house: House, clock: Clock, tmp_path: Path) -> Iterator[Server]:
    """A server with one worker, whose clock may be set."""
    with running(tmp_path, environment=clock.environment) as started:
        yield started


def answer(house: House, server: Server, nonce: bytes | None = None) -> ocsp.OCSPResponse:
    """What it answers for the certificate of the house."""
    return ocsp.load_der_ocsp_response(server.ask(house.request(nonce=nonce)).content)


def problems(server: Server) -> tuple[int, list[str]]:
    """What it says of its first authority."""
    code, said = server.ready()
    return code, said["authorities"][0]["problems"]


@pytest.mark.parametrize("nonce", [None, b"nonce"])
def test_an_answer_begins_five_minutes_before_it_is_produced_and_not_before_its_responder(
    house: House, server: Server, clock: Clock, nonce: bytes | None
) -> None:
    clock.set("+3600")
    read = answer(house, server, nonce)
    assert abs(read.produced_at_utc - now() - dt.timedelta(hours=1)) < MINUTE
    assert read.this_update_utc == read.produced_at_utc - dt.timedelta(minutes=5)
    assert read.next_update_utc == read.produced_at_utc + dt.timedelta(days=1)
    clock.set("-50")
    read = answer(house, server, nonce)
    (responder,) = read.certificates
    assert read.this_update_utc == responder.not_valid_before_utc > read.produced_at_utc - dt.timedelta(minutes=5)


def test_an_answer_made_while_the_clock_was_ahead_is_not_sent_once_it_is_right(
    house: House, server: Server, clock: Clock
) -> None:
    clock.set("+2d")
    ahead = [answer(house, server) for _ in range(2)]
    assert ahead[0].this_update_utc == ahead[1].this_update_utc > now() + dt.timedelta(days=1)
    clock.set("+0")
    read = [answer(house, server) for _ in range(2)]
    assert [one.produced_at_utc <= now() for one in read] == [True, True]
    assert read[0].signature == read[1].signature  # that one is sent again


def test_what_the_future_left_is_not_ready_until_it_is_replaced(
    house: House, server: Server, anchorhold: Command
) -> None:
    assert problems(server) == (200, []) or server.status(house.request()) == "GOOD"
    good(at("+5y", "generate-crls"))
    good(at("+5y", "regenerate-ocsp-keys"))
    until(lambda: server.ready()[0] == 503)
    assert problems(server)[1] == [
        "OCSP responder: its certificate is not valid yet",
        "CRL: it is dated in the future",
    ]
    assert server.status(house.request()) == "TRY_LATER"
    crl = server.client.get(f"/crl/{house.authority.record.serial}.crl")
    assert crl.headers["cache-control"].startswith("max-age=0,")
    assert parsedate_to_datetime(crl.headers["last-modified"]) <= now()
    assert good(anchorhold("maintain")).talk.count("was dated in the future") == 2
    assert server.status(house.request()) == "GOOD"
    until(lambda: problems(server) == (200, []))
    crl = server.client.get(f"/crl/{house.authority.record.serial}.crl")
    assert x509.load_der_x509_crl(crl.content).last_update_utc <= now()


def test_a_revocation_of_the_future_is_one_of_now(house: House, server: Server, anchorhold: Command) -> None:
    good(at("+5y", "revoke-cert", house.serial))
    first = answer(house, server)
    assert first.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert first.revocation_time_utc is not None
    assert first.revocation_time_utc <= now()
    good(anchorhold("maintain"))
    second = answer(house, server)
    crl = x509.load_der_x509_crl(server.client.get(f"/crl/{house.authority.record.serial}.crl").content)
    assert [entry.revocation_date_utc for entry in crl] == [second.revocation_time_utc]
    assert first.revocation_time_utc <= second.revocation_time_utc <= now()  # type: ignore[operator]  # just compared


def test_a_clock_that_is_behind_the_authority_is_not_ready_and_answers_nothing(
    house: House, server: Server, clock: Clock
) -> None:
    assert server.status(house.request()) == "GOOD"
    clock.set("-10y")
    until(lambda: server.ready()[0] == 503)
    assert "certificate: it is not valid yet" in problems(server)[1]
    assert server.status(house.request()) == "TRY_LATER"
    clock.set("+0")
    assert server.status(house.request()) == "GOOD"
    until(lambda: problems(server) == (200, []))


def test_authorities_that_had_expired_by_a_clock_that_was_ahead_are_answered_for_again(
    house: House, tmp_path: Path
) -> None:
    clock = Clock(tmp_path, "+30y")
    with running(tmp_path, environment=clock.environment) as server:
        assert server.status(house.request()) == "UNAUTHORIZED"
        clock.set("+0")
        assert server.status(house.request()) == "GOOD"


@pytest.mark.parametrize("shift", ["+45", "-240"])
def test_a_host_whose_clock_is_a_little_apart_is_ready(house: House, tmp_path: Path, shift: str) -> None:
    with running(tmp_path, environment=Clock(tmp_path, shift).environment) as server:
        assert server.status(house.request()) == "GOOD"
        until(lambda: problems(server) == (200, []))
