"""Old keys of responders whose alias leads elsewhere now: never taken for destroyed, and nothing waits for them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors
from anchorhold.operations import maintenance, responder_cleanup, responders
from anchorhold.operations.responder_keys import open_responder
from anchorhold.plugin.key_backend import KeyBackend
from anchorhold.x509.validity import now
from cli.cli_steps import good

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from anchorhold.ledger.records import ResponderRecord
    from conftest import Command

PLACES = """
[storages.default]
backend = "local"
options = { location = "ca" }
[storages.one]
backend = "local"
options = { location = "one" }
[storages.two]
backend = "local"
options = { location = "two" }
[ocsp_key_backends.default]
"""
ONE = 'backend = "storages"\noptions = { storage_alias = "one" }\n'
TWO = 'backend = "storages"\noptions = { storage_alias = "two" }\n'
ROWS = 'backend = "db"\n'
FORGET = "`anchorhold regenerate-ocsp-keys Root --forget-old-keys`"


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(tmp_path / "config.toml"))
    lead(tmp_path, ONE)


def lead(folder: Path, options: str) -> None:
    """Have the alias lead there."""
    (folder / "config.toml").write_text(PLACES + options)


def passed(monkeypatch: pytest.MonkeyPatch, time: dt.timedelta = dt.timedelta(days=2)) -> None:
    """Let time pass, by default so much that the last answer of an old key has run out."""
    for module in (maintenance, responders, responder_cleanup):
        monkeypatch.setattr(module, "now", lambda: now() + time)


def begun(anchorhold: Command, installation: Installation) -> ResponderRecord:
    """The responder of a new authority."""
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("maintain"))
    (responder,) = installation.ledger.responders.of(installation.authorities.get("Root").record.id)
    return responder


def status(installation: Installation, responder: ResponderRecord) -> str:
    """How it is recorded now."""
    return installation.ledger.responders.get(responder.id).status


def events(installation: Installation) -> list[str]:
    """What happened to keys of responders."""
    kinds = [event.kind for event in reversed(installation.ledger.events.history())]
    return [kind for kind in kinds if kind.startswith("ocsp-key-") and kind != "ocsp-key-made"]


def told(anchorhold: Command, *words: str) -> None:
    """``maintain`` says in one line what is wrong with an old key and what to do."""
    outcome = anchorhold("maintain")
    assert outcome.exit_code == errors.KeyMissingError.exit_code, outcome.talk
    assert outcome.talk.count("\n") == 1, outcome.talk
    for word in ("old responder key", "'Root'", FORGET, *words):
        assert word in outcome.talk


def test_a_key_in_the_storage_that_the_alias_led_to_before_stays_recorded_and_is_told_of_each_time(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begun(anchorhold, installation)
    lead(tmp_path, TWO)
    assert "New responder" in good(anchorhold("regenerate-ocsp-keys")).talk  # the one that there is cannot answer
    passed(monkeypatch)
    for _ in range(2):
        told(anchorhold, "is not where ocsp_key_backends.default leads now")
        assert status(installation, old) == "destroying"
    assert events(installation) == []
    assert len(list(tmp_path.glob("one/ocsp/*.key"))) == 1
    lead(tmp_path, ONE)
    assert "destroyed 1 old responder key" in good(anchorhold("maintain")).talk
    assert events(installation) == ["ocsp-key-destroyed"]
    assert list(tmp_path.glob("one/ocsp/*.key")) == []


def test_a_key_on_a_volume_that_is_not_mounted_is_destroyed_when_it_is_back(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begun(anchorhold, installation)
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    passed(monkeypatch)
    (tmp_path / "one").rename(tmp_path / "unmounted")
    (tmp_path / "one").mkdir()
    told(anchorhold)
    (tmp_path / "one").rmdir()
    (tmp_path / "unmounted").rename(tmp_path / "one")
    good(anchorhold("maintain"))
    assert status(installation, old) == "destroyed"
    assert len(list(tmp_path.glob("one/ocsp/*.key"))) == 1


def test_a_key_that_somebody_says_is_gone_is_recorded_so_and_its_password_with_it(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begun(anchorhold, installation)
    lead(tmp_path, TWO)
    good(anchorhold("regenerate-ocsp-keys"))
    passed(monkeypatch)
    assert installation.ledger.responders.secrets(old.id)
    forgotten = good(anchorhold("regenerate-ocsp-keys", "Root", "--forget-old-keys")).talk
    assert "Forgot 1 old responder key of Root" in forgotten
    assert "Destroyed" not in forgotten
    assert (status(installation, old), events(installation)) == ("forgotten", ["ocsp-key-forgotten"])
    assert installation.ledger.responders.secrets(old.id) == {}
    assert good(anchorhold("maintain")).talk == ""


def test_what_is_said_to_be_gone_and_is_there_is_destroyed_all_the_same(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(anchorhold, installation)
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    passed(monkeypatch)
    assert "Destroyed 1 old" in good(anchorhold("regenerate-ocsp-keys", "--forget-old-keys")).talk
    assert events(installation) == ["ocsp-key-destroyed"]


def test_an_alias_of_another_type_is_noticed_and_gets_a_new_key(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begun(anchorhold, installation)
    lead(tmp_path, ROWS)
    with pytest.raises(errors.KeyMissingError, match=r"made by the backend 'storages', and .*\.default is 'db' now"):
        _opened(old)
    assert "new responder" in good(anchorhold("maintain")).talk
    active = installation.ledger.responders.active(old.authority_id)
    assert active is not None
    assert active.backend_type == "db"
    _opened(active)
    passed(monkeypatch)
    told(anchorhold, "made by the backend 'storages', and ocsp_key_backends.default is 'db' now")
    assert "Forgot 1" in good(anchorhold("regenerate-ocsp-keys", "--forget-old-keys")).talk


def _opened(responder: ResponderRecord) -> None:
    """Use its key as the server does."""
    from anchorhold import open_installation

    with open_installation() as installation:
        place = installation.responders.location(responder.key_backend)
        open_responder(installation.ledger, installation.authorities.get("Root"), responder, place).close()


def test_a_key_of_an_alias_that_is_gone_keeps_nothing_from_being_renewed(
    anchorhold: Command, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begun(anchorhold, installation)
    settings = PLACES.replace("[ocsp_key_backends.default]", "[ocsp_key_backends.rows]") + ROWS
    (tmp_path / "config.toml").write_text(settings)
    good(anchorhold("edit-ca", "Root", "--ocsp-key-backend=rows"))
    good(anchorhold("maintain"))
    passed(monkeypatch)
    outcome = anchorhold("regenerate-ocsp-keys", "Root", "--force")
    assert outcome.exit_code == errors.KeyMissingError.exit_code
    assert "New responder of Root" in outcome.talk
    told(anchorhold, "its alias 'default' is not configured")
    assert status(installation, old) == "retired"
    good(anchorhold("regenerate-ocsp-keys", "--forget-old-keys"))
    assert status(installation, old) == "forgotten"


def test_a_key_that_another_process_has_destroyed_in_the_meantime_is_no_alarm(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begun(anchorhold, installation)
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    passed(monkeypatch)
    real = KeyBackend.delete_key

    def overtaken(self: KeyBackend, request: Any, secrets: Any) -> bool:
        real(self, request, secrets)
        with installation.ledger.transaction():
            installation.ledger.responders.close(installation.ledger.responders.get(old.id), "destroyed")
        return real(self, request, secrets)

    monkeypatch.setattr(KeyBackend, "delete_key", overtaken)
    assert good(anchorhold("maintain")).talk == ""


def test_a_key_of_a_backend_that_cannot_destroy_keys_is_destroyed_by_hand_and_said_to_be_gone(
    anchorhold: Command, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begun(anchorhold, installation)
    good(anchorhold("regenerate-ocsp-keys", "--force"))
    passed(monkeypatch)
    real = KeyBackend.supports
    monkeypatch.setattr(KeyBackend, "supports", lambda self, hook: hook != "delete_key" and real(self, hook))
    outcome = anchorhold("maintain")
    assert outcome.exit_code == errors.OperationUnsupportedError.exit_code
    assert FORGET in outcome.talk
    good(anchorhold("regenerate-ocsp-keys", "--forget-old-keys"))
    assert status(installation, old) == "forgotten"
