"""One grammar for every option that takes a span of time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import errors
from anchorhold.x509.spans import EXAMPLES, UNITS, parse_span
from anchorhold.x509.validity import parse_expiry
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="how a span is read does not depend on the database")

READ = {
    "30s": dt.timedelta(seconds=30),
    "15m": dt.timedelta(minutes=15),
    "12h": dt.timedelta(hours=12),
    "7d": dt.timedelta(days=7),
    "2w": dt.timedelta(days=14),
    "6mo": dt.timedelta(days=180),
    "6MO": dt.timedelta(days=180),
    "1y": dt.timedelta(days=365),
    "1h30m": dt.timedelta(minutes=90),
    "1 d": dt.timedelta(days=1),
    "P90D": dt.timedelta(days=90),
    "P6M": dt.timedelta(days=180),
    "PT6M": dt.timedelta(minutes=6),
    "P1Y2M3DT4H5M6S": dt.timedelta(days=365 + 60 + 3, hours=4, minutes=5, seconds=6),
    "p2w": dt.timedelta(days=14),
}
NOT_READ = ["", "7", "6M", "1x", "-1d", "1.5h", "P", "PT", "P1S", "1h1h", "1m1h", "1d1y", "mo", "٣d", "0s", "PT0S"]
TOO_LONG = "999999999y"


@pytest.mark.parametrize("text", READ)
def test_a_span_is_as_long_as_it_says(text: str) -> None:
    assert parse_span(text) == READ[text]


@pytest.mark.parametrize("text", [*NOT_READ, TOO_LONG])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(errors.ValidityError):
        parse_span(text)


@pytest.mark.parametrize("text", ["P", "PT", "1x", "1month"])
def test_an_expiry_that_is_no_span_is_not_said_to_be_past(text: str) -> None:
    with pytest.raises(errors.ValidityError, match="cannot be read"):
        parse_expiry(text, dt.datetime.now(dt.UTC))


def test_an_m_that_may_be_either_is_asked_about() -> None:
    with pytest.raises(errors.ValidityError, match="months or minutes"):
        parse_span("6M")


def test_minutes_are_minutes_wherever_a_span_is_taken(anchorhold: Command) -> None:
    start = dt.datetime.now(dt.UTC)
    good(anchorhold("init-ca", "Root", "CN=Root"))
    talk = good(anchorhold("generate-crls", "--expires=30m")).talk
    crl = x509.load_pem_x509_crl(good(anchorhold("dump-crl", "Root")).data)
    assert crl.next_update_utc is not None
    assert start + dt.timedelta(minutes=29) < crl.next_update_utc < start + dt.timedelta(minutes=60)
    assert f"Next update: {crl.next_update_utc:%Y-%m-%d %H:%M} UTC." in talk
    good(anchorhold("init-ca", "Brief", "CN=Brief", "--expires=15m", "--key-type=Ed25519"))
    good(anchorhold("maintain", "Root", "--crl-expires=PT12H"))
    assert anchorhold("list-certs", "--expiring=20m").exit_code == errors.ExpiringError.exit_code
    good(anchorhold("list-certs", "--expiring=10m"))
    good(anchorhold("recover", "--older-than=1h"))


SPANS = {
    "init-ca": "--expires",
    "sign-cert": "--expires",
    "generate-crls": "--expires",
    "maintain": "--crl-expires",
    "list-certs": "--expiring",
    "recover": "--older-than",
}


@pytest.mark.parametrize("command", SPANS)
def test_every_span_is_explained_in_the_same_words(
    command: str, anchorhold: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    text = " ".join(good(anchorhold(command, "--help")).text.replace("│", " ").split())
    assert SPANS[command] in text
    assert EXAMPLES in text
    assert all(unit in EXAMPLES for unit in UNITS)


@pytest.mark.parametrize("command", ["generate-crls --expires=6M", "maintain --every=6M", "maintain --every=10"])
def test_a_span_that_is_not_clear_is_refused_by_commands(command: str, anchorhold: Command) -> None:
    refused(anchorhold(*command.split()), errors.ValidityError, "6M" if "M" in command else "10")
