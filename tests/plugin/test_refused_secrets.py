"""The memory of refused secrets, as backends see it, and where secrets come from."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold import refused_secrets as memory
from anchorhold import secret_sources
from anchorhold.errors import BackendFailedError, BusyError, LedgerError, SecretWrongError
from anchorhold.plugin import SecretReference, SecretSource
from anchorhold.plugin.refused_secrets import ProcessRefusedSecrets
from anchorhold.plugin.secret_resolver import SecretResolver
from anchorhold.refused_secrets import LedgerRefusedSecrets
from anchorhold.secret import read_secret_file

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from anchorhold.plugin import RefusedSecrets

PLACE = "token 'x', user"
FILE = SecretSource(name="the file /pin", version="1 2 3", changed_at=1000.0)
VARIABLE = SecretSource(name="the variable PIN")


@pytest.fixture(params=["shared", "own"])
def refusals(request: pytest.FixtureRequest, installation: Installation) -> RefusedSecrets:
    """Both memories that core has."""
    return LedgerRefusedSecrets(lambda: installation.ledger) if request.param == "shared" else ProcessRefusedSecrets()


def _try(
    refused_secrets: RefusedSecrets, source: SecretSource | None, place: str = PLACE, *, right: bool = False
) -> bool:
    """Whether a secret was shown."""
    shown = []
    with suppress(SecretWrongError), refused_secrets.presenting(place, source, "key backend 'x': the PIN") as refused:
        shown.append(source)
        if not right:
            refused()
            raise SecretWrongError("it is wrong", hint="give the right one")
    return bool(shown)


def test_a_refused_secret_is_not_shown_again_until_its_source_changes(refusals: RefusedSecrets) -> None:
    changed = SecretSource(name=FILE.name, version="1 2 4", changed_at=2000.0)
    assert [_try(refusals, FILE), _try(refusals, FILE), _try(refusals, changed), _try(refusals, changed)] == [
        True,
        False,
        True,
        False,
    ]


def test_other_places_sources_and_people_are_not_kept_out(refusals: RefusedSecrets) -> None:
    assert _try(refusals, FILE)
    assert all(_try(refusals, source) for source in (VARIABLE, None, None))
    assert _try(refusals, FILE, "token 'y', user")
    assert not _try(refusals, FILE)


def test_an_accepted_secret_is_shown_as_often_as_it_is_needed_and_frees_no_other(refusals: RefusedSecrets) -> None:
    assert _try(refusals, VARIABLE)
    assert all(_try(refusals, FILE, right=True) for _ in range(3))
    assert not _try(refusals, VARIABLE)


def test_an_error_that_is_not_about_the_secret_is_not_held_against_it(refusals: RefusedSecrets) -> None:
    for _ in range(2):
        with pytest.raises(BackendFailedError), refusals.presenting(PLACE, FILE, "the PIN"):
            raise BackendFailedError("the token is away", hint="plug it in")
    assert _try(refusals, FILE)


def test_whoever_is_interrupted_does_not_know_the_answer(installation: Installation) -> None:
    shared = LedgerRefusedSecrets(lambda: installation.ledger)
    with pytest.raises(KeyboardInterrupt), shared.presenting(PLACE, FILE, "the PIN"):
        raise KeyboardInterrupt
    with pytest.raises(SecretWrongError, match="ended before the answer"), shared.presenting(PLACE, FILE, "the PIN"):
        pytest.fail("it was shown")
    assert installation.keys.forget_refused_pins() == 1
    assert _try(shared, FILE, right=True)


def test_others_wait_for_whoever_is_at_it_and_not_for_ever(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LOGIN_TIMEOUT", 0.0)
    shared = LedgerRefusedSecrets(lambda: installation.ledger)
    with shared.presenting(PLACE, FILE, "the PIN"):
        words = f"which is being logged in to by process {os.getpid()}"
        with pytest.raises(BusyError, match=words), shared.presenting(PLACE, VARIABLE, "the PIN"):
            pytest.fail("it was shown")
    assert _try(shared, VARIABLE)


def test_what_could_not_be_noted_is_noted_the_next_time(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LedgerError("ledger: is away", hint="wait")

    shared = LedgerRefusedSecrets(lambda: installation.ledger)
    with monkeypatch.context() as away:
        away.setattr(installation.ledger.claims, "release", fail)
        with pytest.raises(LedgerError), shared.presenting(PLACE, FILE, "the PIN"):
            pass
    assert all(_try(shared, FILE, right=True) for _ in range(2))


def test_no_transaction_is_open_while_a_secret_is_shown(installation: Installation) -> None:
    with LedgerRefusedSecrets(lambda: installation.ledger).presenting(PLACE, FILE, "the PIN"):
        assert not installation.ledger.database.in_transaction()


@pytest.mark.parametrize(
    ("changed_at", "shown"), [(1000.0, False), (None, False), (4_000_000_000.0, True)], ids=["old", "unknown", "new"]
)
def test_a_file_that_was_refused_on_another_host_is_the_same_unless_it_was_changed_since(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, changed_at: float | None, *, shown: bool
) -> None:
    shared = LedgerRefusedSecrets(lambda: installation.ledger)
    assert _try(shared, FILE)
    monkeypatch.setattr(socket, "gethostname", lambda: "another.example.com")
    assert _try(shared, SecretSource(name=FILE.name, version="7 8 9", changed_at=changed_at)) is shown


def _source(resolver: SecretResolver) -> SecretSource | None:
    found = resolver.get("user-pin")
    assert found is not None
    return found.source


def _resolver(reference: object, environment: dict[str, str] | None = None, **more: object) -> SecretResolver:
    options = type("Options", (), {"user_pin": SecretReference.parse(reference)})()
    rest: dict[str, object] = {"options": options, "section": "key_backends.hsm", **more}
    return SecretResolver(alias="hsm", environment=environment or {}, **rest)  # type: ignore[arg-type]


@pytest.mark.databases(because="secrets are resolved without a ledger")
def test_a_secret_knows_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("1234")
    (tmp_path / "config.toml").write_text("")
    written = secret_sources.settings(tmp_path / "config.toml")
    key = "key_backends.hsm.options.user_pin"
    assert _source(_resolver({"env": "X"}, {"X": "1"})) == SecretSource(name="the variable X")
    assert _source(_resolver("1", {"ANCHORHOLD_HSM_USER_PIN": "1"})) == SecretSource(
        name="the variable ANCHORHOLD_HSM_USER_PIN"
    )
    in_file = _source(_resolver({"file": str(tmp_path / "pin")}))
    assert in_file is not None
    assert in_file.name == f"the file {tmp_path}/pin"
    assert _source(_resolver("1", {"ANCHORHOLD_HSM_USER_PIN_FILE": str(tmp_path / "pin")})) == in_file
    in_settings = _source(_resolver("1", written=written))
    assert in_settings == written(key)
    assert in_settings.name == f"{key} in the settings file {tmp_path}/config.toml"
    assert in_settings.version
    assert _source(_resolver("1", given={"user-pin": read_secret_file(tmp_path / "pin")})) == in_file


@pytest.mark.databases(because="secrets are resolved without a ledger")
@pytest.mark.parametrize("change", ["write", "replace", "touch"])
def test_a_changed_file_is_another_version_however_long_its_secret_is(tmp_path: Path, change: str) -> None:
    path, other = tmp_path / "pin", tmp_path / "other"
    path.write_text("1234")
    other.write_text("1235")
    before = read_secret_file(path).source
    if change == "write":
        os.utime(path, ns=(0, path.stat().st_mtime_ns))  # which changes the time of the inode only
        path.write_text("1235")
    elif change == "replace":
        other.replace(path)
    else:
        path.touch()
    after = read_secret_file(path).source
    assert before is not None
    assert after is not None
    assert (before.name, before.version) != (after.name, after.version)
    assert before.name == after.name


@pytest.mark.databases(because="secrets are resolved without a ledger")
def test_what_is_made_anew_at_each_start_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pin").write_text("1234")
    status = (tmp_path / "pin").stat()
    for folder in ("/run/secrets", "/run/credentials/anchorhold.service"):
        found = secret_sources.file(Path(folder) / "pin", status)
        assert (found.version, found.changed_at) == ("", None)
    assert read_secret_file(tmp_path / "pin").source != SecretSource(name=f"the file {tmp_path}/pin")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret_file(tmp_path / "pin").source == SecretSource(name=f"the file {tmp_path}/pin")
    assert secret_sources.file(Path("/dev/null"), Path("/dev/null").stat()).version == ""
