"""One grammar for every option that takes a span of time."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import pytest
from cryptography import x509
from pydantic import BaseModel, TypeAdapter

from anchorhold import errors
from anchorhold.cli.command_builder import build_command
from anchorhold.cli.command_table import COMMANDS
from anchorhold.cli.global_options import GlobalOptions
from anchorhold.profiles import model
from anchorhold.section import Section
from anchorhold.x509.durations import EXAMPLES, UNITS, DurationIn, amount_of, parse_duration
from anchorhold.x509.validity import parse_expiry
from anchorhold_aws_kms import options as kms
from anchorhold_db import options as db
from anchorhold_hsm import options as hsm
from anchorhold_quorum import options as quorum
from anchorhold_storages import options as storages
from anchorhold_vault_transit import options as vault
from cli.cli_steps import good, listed, refused

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
    assert parse_duration(text) == READ[text]


@pytest.mark.parametrize("text", [*NOT_READ, TOO_LONG])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(errors.ValidityError):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P", "PT", "1x", "1month"])
def test_an_expiry_that_is_no_span_is_not_said_to_be_past(text: str) -> None:
    with pytest.raises(errors.ValidityError, match="cannot be read"):
        parse_expiry(text, dt.datetime.now(dt.UTC))


def test_an_m_that_may_be_either_is_asked_about() -> None:
    with pytest.raises(errors.ValidityError, match="months or minutes"):
        parse_duration("6M")


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
    "init-ca": {"--expires", "--max-days"},
    "import-ca": {"--max-days"},
    "edit-ca": {"--max-days"},
    "sign-cert": {"--expires"},
    "generate-crls": {"--expires"},
    "maintain": {"--crl-expires", "--every"},
    "list-certs": {"--expiring"},
    "recover": {"--older-than"},
    "serve": {"--request-timeout"},
}


def test_every_option_that_takes_a_time_says_in_the_same_words_how_it_is_written() -> None:
    about_time = re.compile(
        r"\b(seconds?|minutes?|hours?|days?|months?|spans?|pause|how long|time-?out)\b", re.IGNORECASE
    )
    found: dict[str, set[str]] = {}
    for name in COMMANDS:
        for parameter in getattr(build_command(name, GlobalOptions()), "params", ()):
            if about_time.search(f"{' '.join(parameter.opts)} {parameter.help or ''}"):
                assert EXAMPLES in parameter.help, f"{name} {parameter.opts}"
                found.setdefault(name, set()).add(parameter.opts[0])
    assert found == SPANS
    assert all(unit in EXAMPLES for unit in UNITS)


def _models(kind: type[BaseModel]) -> set[type[BaseModel]]:
    return {kind, *(below for child in kind.__subclasses__() for below in _models(child))}


MODELS: Final = {
    *_models(Section),
    *(
        each
        for kind in (kms.Options, db.Options, hsm.Options, quorum.Options, storages.Section, vault.Options)
        for each in _models(kind)
    ),
}
"""All that may stand in settings: of core, of our plugins and of the examples."""
SETTINGS: Final = {
    (model.ProfileSettings, "days"): ("6mo", 180),
    (model.ProfileSettings, "max_days"): ("1y", 365),
    (model.ProfileSettings, "backdate_minutes"): ("1h", 60),
    (storages.S3Options, "deadline"): ("2m", 120),
    (storages.SftpOptions, "timeout"): ("1m30s", 90),
    (storages.SftpOptions, "deadline"): ("PT1M", 60),
    (kms.Options, "connect_timeout"): ("2s", 2),
    (kms.Options, "read_timeout"): ("1m", 60),
    (kms.Options, "deletion_window_days"): ("1w", 7),
    (vault.Options, "timeout"): ("1m", 60),
    (quorum.Options, "wait"): ("2h", 7200),
    (quorum.Options, "keep_days"): ("36h", 1.5),
}


def test_every_setting_that_is_a_time_can_be_written_as_a_span() -> None:
    about_time = re.compile(r"seconds|minutes|hours|days|timeout|deadline|^wait$", re.IGNORECASE)
    found = {(kind, name) for kind in MODELS for name in kind.model_fields if about_time.search(name)}
    spans = {
        (kind, name)
        for kind in MODELS
        for name, field in kind.model_fields.items()
        if any(isinstance(part, DurationIn) for part in field.metadata) or "DurationIn" in str(field.annotation)
    }
    assert found == spans == SETTINGS.keys()


@pytest.mark.parametrize(("place", "value"), SETTINGS.items(), ids=lambda each: str(each[1]))
def test_a_setting_takes_spans_and_plain_numbers(place: tuple[type[BaseModel], str], value: tuple[str, float]) -> None:
    (kind, name), (text, number) = place, value
    field = kind.model_fields[name]
    whole: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    reads = TypeAdapter[object](whole).validate_python
    assert [reads(text), reads(number)] == [number, number]
    for given in ("6M", "soon", "-1d", "P", ""):
        with pytest.raises(ValueError, match=r"may be months or minutes|cannot be read"):
            reads(given)


def test_a_number_that_needs_no_unit_is_read_as_before() -> None:
    assert [amount_of(text, "s") for text in ("10", "0.5", "2m", "PT1M")] == [10, 0.5, 120, 60]
    assert [amount_of(text, "d") for text in ("90", "1y", "36h")] == [90, 365, 1.5]


def test_the_longest_validity_is_days_or_a_span(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--max-days=90"))
    for text, days in (("1y", 365), ("P6M", 180), ("30", 30), ("0", None), ("2w", 14), ("", None)):
        good(anchorhold("edit-ca", "Root", f"--max-days={text}"))
        assert listed(anchorhold)[0]["max_days"] == days
    for text in ("36h", "6M", "-1"):
        refused(anchorhold("edit-ca", "Root", f"--max-days={text}"), errors.InputError, text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("soon", errors.ValidityError),
        ("6M", errors.ValidityError),
        ("0.01", errors.InputError),
        ("2d", errors.InputError),
    ],
)
def test_a_server_is_not_started_with_a_time_that_is_none(
    text: str, error: type[errors.AnchorholdError], anchorhold: Command
) -> None:
    refused(anchorhold("serve", f"--request-timeout={text}"), error, text)


@pytest.mark.parametrize("command", ["generate-crls --expires=6M", "maintain --every=6M", "maintain --every=10"])
def test_a_span_that_is_not_clear_is_refused_by_commands(command: str, anchorhold: Command) -> None:
    refused(anchorhold(*command.split()), errors.ValidityError, "6M" if "M" in command else "10")
