"""Where secrets come from, in which order, and what is said when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.cli.remedies import sentence
from anchorhold.errors import SecretMissingError, SettingsError
from anchorhold.installation import open_installation
from anchorhold.plugin import BACKENDS_GROUP, Secret, SecretReference
from anchorhold.plugin.secret_resolver import GeneratedSecrets, SecretResolver
from plugin.fake_backends import MemoryBackend, PinBackend, PinOptions, offer, settings_file

if TYPE_CHECKING:
    from pathlib import Path


def _resolver(pin: object = None, **values: Any) -> SecretResolver:
    options = PinOptions.model_validate({"pin": pin} if pin is not None else {})
    given = {name: Secret(value) for name, value in values.pop("given", {}).items()}
    settled = {"alias": "hsm", "environment": {}, "section": "key_backends.hsm", "options": options, **values}
    return SecretResolver(given=given, **settled)


class _Person:
    """Answers every question in the same way, and counts them."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.questions: list[str] = []

    def __call__(self, question: str) -> Secret:
        self.questions.append(question)
        return Secret(self.answer)


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    """A PIN as an editor leaves it: with a line break."""
    path = tmp_path / "pin"
    path.write_text("from file\n")
    return path


@pytest.mark.parametrize(
    ("given", "environment", "settings", "expected"),
    [
        ("option", "variable", "settings", "option"),
        (None, "variable", "settings", "variable"),
        (None, None, "settings", "settings"),
        (None, None, None, None),
        ("", "variable", "settings", None),
        (None, "", "settings", None),
        (None, None, "", None),
    ],
)
def test_option_then_environment_then_settings_and_an_empty_one_ends_the_search(
    given: str | None, environment: str | None, settings: str | None, expected: str | None
) -> None:
    resolver = _resolver(
        settings,
        given={} if given is None else {"pin": given},
        environment={} if environment is None else {"ANCHORHOLD_HSM_PIN": environment},
    )
    assert resolver.get("pin") == (None if expected is None else Secret(expected))


def test_the_variable_wins_over_the_variable_of_a_file(pin_file: Path) -> None:
    both = {"ANCHORHOLD_HSM_PIN": "direct", "ANCHORHOLD_HSM_PIN_FILE": str(pin_file)}
    assert _resolver(environment=both).get("pin") == Secret("direct")
    assert _resolver("settings", environment={"ANCHORHOLD_HSM_PIN_FILE": str(pin_file)}).get("pin") == Secret(
        "from file"
    )


@pytest.mark.parametrize("content", [b"1234", b"1234\n", b"1234\r\n"])
def test_one_line_break_at_the_end_of_a_file_is_dropped(pin_file: Path, content: bytes) -> None:
    pin_file.write_bytes(content)
    assert _resolver({"file": str(pin_file)}).require("pin") == Secret("1234")


def test_blanks_and_further_line_breaks_belong_to_the_secret(pin_file: Path) -> None:
    pin_file.write_bytes(b" 1234 \n\n")
    assert _resolver({"file": str(pin_file)}).require("pin") == Secret(" 1234 \n")


@pytest.mark.parametrize("place", ["settings", "variable"])
def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path, place: str) -> None:
    gone = str(tmp_path / "gone")
    resolver = (
        _resolver({"file": gone}) if place == "settings" else _resolver(environment={"ANCHORHOLD_HSM_PIN_FILE": gone})
    )
    with pytest.raises(SettingsError, match="gone: the secret cannot be read from this file"):
        resolver.get("pin")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [("1234", "1234"), ({"env": "MY_PIN"}, "from elsewhere"), ({"env": "NOT_SET"}, None), ("prompt", None)],
)
def test_the_forms_a_secret_has_in_the_settings(reference: object, expected: str | None) -> None:
    found = _resolver(reference, environment={"MY_PIN": "from elsewhere"}).get("pin")
    assert found == (None if expected is None else Secret(expected))


@pytest.mark.parametrize("wrong", [1234, {"env": 1}, {"env": "A", "file": "b"}, {"envy": "A"}, ["1234"], True, {}])
def test_any_other_form_is_refused_without_being_shown(wrong: object) -> None:
    with pytest.raises(ValueError, match="expected a text") as caught:
        SecretReference.parse(wrong)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ("--hsm-pin", "ANCHORHOLD_HSM_PIN or ANCHORHOLD_HSM_PIN_FILE", "key_backends.hsm.options.pin")),
        ({"alias": "default", "section": "key_backends.default"}, ("--pin", "ANCHORHOLD_PIN", "key_backends.default")),
        ({"own": True}, ("--hsm-parent-pin", "ANCHORHOLD_HSM_PARENT_PIN")),
        ({"options": None}, ("--hsm-pin",)),
    ],
)
def test_a_missing_secret_without_a_terminal_says_how_to_set_it(values: dict[str, Any], words: tuple[str, ...]) -> None:
    if values.get("own"):
        values = {"own": _resolver(), "parent": True}
    with pytest.raises(SecretMissingError) as caught:
        _resolver(**values).require("pin")
    assert "the pin is missing" in caught.value.problem
    for word in words:
        assert word in sentence(caught.value)
    assert "--" not in caught.value.hint
    assert ("options.pin" in caught.value.hint) is (values.get("options", 1) is not None)


def test_an_empty_secret_is_said_to_be_empty_and_nobody_is_asked() -> None:
    person = _Person("1234")
    with pytest.raises(SecretMissingError, match="the pin is empty"):
        _resolver("settings", given={"pin": ""}, prompter=person).require("pin")
    assert person.questions == []


def test_a_person_is_asked_once_and_only_by_require() -> None:
    person = _Person("1234")
    resolver = _resolver("prompt", prompter=person)
    assert resolver.get("pin") is None
    assert person.questions == []
    assert resolver.require("pin") == Secret("1234")
    assert resolver.require("pin") == resolver.get("pin") == Secret("1234")
    assert person.questions == ["pin of key backend 'hsm'"]


def test_a_person_who_types_nothing_has_not_given_the_secret() -> None:
    with pytest.raises(SecretMissingError, match="the pin is missing"):
        _resolver(prompter=_Person("")).require("pin")


@pytest.mark.parametrize(
    ("parent", "own", "shared", "expected"),
    [
        ({}, {"given": {"pin": "own option"}}, True, "own option"),
        ({}, {"environment": {"ANCHORHOLD_HSM_PIN": "own variable"}}, True, "own variable"),
        ({}, {"given": {"pin": "own option"}}, False, "settings"),
        ({"given": {"pin": "its own"}}, {"given": {"pin": "own option"}}, True, "its own"),
        ({"environment": {"ANCHORHOLD_HSM_PARENT_PIN": "its own"}}, {"given": {"pin": "own option"}}, True, "its own"),
        ({"given": {"pin": ""}}, {"given": {"pin": "own option"}}, True, None),
        ({}, {"given": {"pin": ""}}, True, None),
    ],
)
def test_the_parent_falls_back_only_for_secrets_of_the_whole_alias(
    parent: dict[str, Any], own: dict[str, Any], shared: bool, expected: str | None
) -> None:
    resolver = _resolver(
        "settings", parent=True, own=_resolver("settings", **own), shared=["pin"] if shared else [], **parent
    )
    assert resolver.get("pin") == (None if expected is None else Secret(expected))


def test_the_variable_of_a_new_key_is_not_used_for_the_parents() -> None:
    environment = {"ANCHORHOLD_HSM_PIN": "for the new key"}
    own = _resolver(environment=environment)
    assert _resolver(parent=True, own=own, environment=environment).get("pin") is None


def test_generated_secrets_come_first_and_the_rest_from_the_alias() -> None:
    secrets = GeneratedSecrets({"password": Secret("random")}, _resolver("1234"))
    assert secrets.get("password") == secrets.require("password") == Secret("random")
    assert secrets.get("pin") == secrets.require("pin") == Secret("1234")
    assert secrets.get("other") is None


@pytest.fixture
def _tokens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One alias whose every key needs the PIN of the alias."""
    monkeypatch.setattr(MemoryBackend, "keys", {})
    offers = {"token": f"{PinBackend.__module__}:PinBackend"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers)
    settings_file(
        tmp_path, monkeypatch, '[key_backends.hsm]\nbackend = "token"\n[key_backends.hsm.options]\npin = "prompt"\n'
    )


@pytest.mark.usefixtures("_tokens")
@pytest.mark.usefixtures("database")
def test_a_person_gives_the_pin_of_a_token_once_even_if_the_parent_is_on_it_too() -> None:
    person = _Person("1234")
    with open_installation(prompter=person) as installation:
        installation.authorities.create("Root", "CN=Root", key_backend="hsm")
        assert len(person.questions) == 1
        person.questions.clear()
        installation.authorities.create("Issuing", "CN=Issuing", parent="Root", key_backend="hsm")
    assert len(person.questions) == 1


@pytest.mark.usefixtures("_tokens")
@pytest.mark.usefixtures("database")
def test_nobody_is_asked_by_a_program_unless_it_brings_somebody() -> None:
    with open_installation() as installation, pytest.raises(SecretMissingError, match=r"or give it$") as caught:
        installation.authorities.create("Root", "CN=Root", key_backend="hsm")
    assert sentence(caught.value).endswith("or give it with `--hsm-pin`")
