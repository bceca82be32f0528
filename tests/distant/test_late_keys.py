"""A service that makes a key after nobody waits for it any more, and one whose keys cannot be listed in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anchorhold import errors, software_keys
from anchorhold.algorithms import Algorithm
from anchorhold.installation import open_installation
from anchorhold.plugin import BACKENDS_GROUP, CreateKeyRequest, ListedKey, Secrets, SignRequest, hookimpl
from anchorhold.remedy import Remedy
from cli.cli_steps import good
from plugin.fake_backends import (
    CA,
    NO_SECRETS,
    MemoryBackend,
    Recorder,
    bound,
    create_request,
    key_request,
    offer,
    settings_file,
)

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import CreatedKey
    from conftest import Command

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite", because="nothing of it depends on the database"),
]


class LateBackend(MemoryBackend):
    """Makes keys that are there only when it has long been given up."""

    late: ClassVar[dict[str, software_keys.PrivateKey]] = {}
    listings: ClassVar[list[float]] = []

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        self.late[request.key_id.hex()] = software_keys.generate(request.spec)
        time.sleep(request.seconds_left(5.0) + 0.01)
        raise errors.BackendFailedError("late: gave no answer in time; the key may have been made", hint="wait longer")

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        self.listings.append(time.monotonic())
        raise errors.BackendFailedError("late: gave no answer", hint="look whether it runs")


class BadBatches(MemoryBackend):
    """Answers with an error of Python's."""

    @hookimpl
    def sign_batch(self, requests: list[SignRequest], signer: Any) -> list[Any]:
        return [ValueError("hm") for _ in requests]


class Passing(Recorder):
    """Only passes on."""

    @hookimpl(wrapper=True)
    def sign(self, request: Any, signer: Any) -> Any:
        return (yield)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, empty in (("keys", {}), ("late", {}), ("listings", [])):
        monkeypatch.setattr(LateBackend, name, empty)
    offers = {"late": f"{__name__}:LateBackend"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers, distribution="acme-late")
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "late"\n')


def test_a_creation_that_ran_out_of_time_stays_until_it_is_known_what_became_of_the_key() -> None:
    with open_installation() as installation:
        with pytest.raises(errors.BackendFailedError) as caught:
            installation.within(2).authorities.create("Late", "CN=Late")
        assert caught.value.remedy == Remedy("recovery.pending")
        (record,) = installation.recovery.pending().authorities
        LateBackend.keys.update(LateBackend.late)  # the service has made it after all
        assert installation.recovery.finish(record).name == "Late"
        assert installation.authorities.get("Late").record.status == "active"


def test_one_that_never_made_a_key_can_be_abandoned() -> None:
    with open_installation() as installation:
        with pytest.raises(errors.BackendFailedError):
            installation.within(2).authorities.create("Late", "CN=Late")
        (record,) = installation.recovery.pending().authorities
        assert installation.recovery.abandon(record) is False
        assert not installation.recovery.pending().authorities


def test_nobody_is_asked_to_list_keys_after_the_deadline() -> None:
    with open_installation() as installation:
        late = installation.within(0.0001)
        time.sleep(0.01)
        found = late.recovery.inventory()
        assert isinstance(found.unchecked["key_backends.default"], errors.DeadlineError)
    assert not LateBackend.listings


def test_what_could_not_be_looked_into_is_no_success(anchorhold: Command) -> None:
    shown = anchorhold("recover", "--orphans")
    assert shown.exit_code == errors.BackendFailedError.exit_code
    assert "Not checked: key_backends.default (late: gave no answer" in shown.talk


def test_the_backend_is_blamed_for_an_answer_that_a_wrapper_only_passes_on() -> None:
    backend = bound(BadBatches, [Passing])
    created = backend.create_key(create_request(), NO_SECRETS)
    signer = backend.load_signer(key_request(created), NO_SECRETS)
    asked = [
        SignRequest(message=b"message", algorithm=Algorithm(scheme="ecdsa", hash="SHA-256"), purpose="probe", ca=CA)
    ]
    (outcome,) = backend.sign_batch(asked, signer)
    assert isinstance(outcome, errors.BackendFailedError)
    assert outcome.problem.startswith("key backend 'mine'")
    assert "wrapper" not in str(outcome)


def test_a_serial_number_that_was_never_completed_says_so(
    anchorhold: Command, csr_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings_file(tmp_path, monkeypatch, "")
    good(anchorhold("init-ca", "Root", "CN=Root"))
    monkeypatch.setattr(software_keys.SoftwareSigner, "sign", lambda *_: b"no signature")
    order = ("--csr", str(csr_file), "--alt", "www.example.com")
    assert anchorhold("sign-cert", "--ca", "Root", *order).exit_code == errors.SignatureError.exit_code
    with open_installation() as installation:
        (serial,) = [
            row[0]
            for row in installation.ledger.database.execute_sql(
                "SELECT serial FROM anchorhold_certificate WHERE status = 'abandoned'"
            ).fetchall()
        ]
    shown = anchorhold("view-cert", serial)
    assert shown.exit_code == errors.UnknownCertificateError.exit_code
    assert "for CN=www.example.com and not issued; a signature of it may exist" in shown.talk
