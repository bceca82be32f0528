"""Flags and variables made from alias and name, and what happens when two would be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, field_validator

from anchorhold.errors import BackendContractError, OptionConflictError, SettingsError
from anchorhold.plugin import BACKENDS_GROUP, hookimpl
from anchorhold.plugin.backend_options import check_flags, flag_of, options_of, variable_of
from plugin.fake_backends import MemoryBackend, bound, offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.plugin.backend_options import BackendOption
    from conftest import Command


@pytest.mark.parametrize(
    ("alias", "parent", "flag", "variable"),
    [
        ("default", False, "--user-pin", "ANCHORHOLD_USER_PIN"),
        ("default", True, "--parent-user-pin", "ANCHORHOLD_PARENT_USER_PIN"),
        ("hsm", False, "--hsm-user-pin", "ANCHORHOLD_HSM_USER_PIN"),
        ("hsm", True, "--hsm-parent-user-pin", "ANCHORHOLD_HSM_PARENT_USER_PIN"),
        ("hsm-eu", False, "--hsm-eu-user-pin", "ANCHORHOLD_HSM_EU_USER_PIN"),
    ],
)
def test_flag_and_variable_carry_the_alias_and_the_parent(alias: str, parent: bool, flag: str, variable: str) -> None:
    assert flag_of(alias, "user-pin", parent=parent) == flag
    assert variable_of(alias, "user-pin", parent=parent) == variable


def _backend(*names: str, alias: str = "default", **values: Any) -> Callable[..., list[BackendOption]]:
    class Backend(MemoryBackend):
        @hookimpl
        def add_cli_options(self, add: Any, operation: Any) -> None:
            for name in names:
                add(name, **{"help": "Some help.", **values})

    return lambda operation="use", *, parent=False: options_of(bound(Backend, alias=alias), operation, parent=parent)


@pytest.mark.parametrize(
    ("operation", "prompts"), [("create", ["--phrase-prompt"]), ("import", ["--phrase-prompt"]), ("use", [])]
)
def test_a_secret_of_one_key_can_be_asked_for_where_it_is_set(operation: Any, prompts: list[str]) -> None:
    options = options_of(bound(MemoryBackend, alias="default"), operation)
    assert [option.flag for option in options if option.prompt] == prompts
    assert [option.flag for option in options if not option.prompt] == ["--pin", "--phrase", "--label"]


@pytest.mark.parametrize(
    "name", ["Pin", "user_pin", "user pin", "", "-", "-pin", "pin-", "user--pin", "pïn", "pin=", "--pin"]
)
def test_a_badly_named_option_is_refused(name: str) -> None:
    with pytest.raises(BackendContractError, match="acme-keys"):
        _backend(name)()


@pytest.mark.parametrize("name", ["pin", "user-pin", "so-pin-2"])
def test_a_well_named_option_is_taken(name: str) -> None:
    assert [option.name for option in _backend(name)()] == [name]


def test_an_option_twice_or_without_help_is_refused() -> None:
    for backend in (_backend("pin", "pin"), _backend("pin", help="")):
        with pytest.raises(BackendContractError, match="twice, without help"):
            backend()


@pytest.mark.parametrize(
    ("options", "flag", "owners"),
    [
        (
            lambda: [*_backend("eu-pin", alias="hsm")(), *_backend("pin", alias="hsm-eu")()],
            "--hsm-eu-pin",
            ("'hsm'", "'hsm-eu'"),
        ),
        (
            lambda: [*_backend("pin")("use", parent=True), *_backend("pin", alias="parent")()],
            "--parent-pin",
            ("'default'", "'parent'"),
        ),
        (lambda: _backend("key-type")(), "--key-type", ("the command init-ca", "'default'")),
        (lambda: _backend("type", alias="key")(), "--key-type", ("the command init-ca", "'key'")),
        (
            lambda: [*_backend("parent-pin")(), *_backend("pin")("use", parent=True)],
            "--parent-pin",
            ("'default'",),
        ),
        (
            lambda: _backend("phrase", "phrase-prompt", secret=True, scope="key")("create"),
            "--phrase-prompt",
            ("'default'",),
        ),
    ],
    ids=["two aliases", "alias called parent", "command", "alias and command", "own and parent's", "own and prompt"],
)
def test_two_options_with_one_flag_are_refused(
    options: Callable[[], list[BackendOption]], flag: str, owners: tuple[str, ...]
) -> None:
    with pytest.raises((OptionConflictError, BackendContractError)) as caught:
        check_flags(options(), {"--key-type"}, "init-ca")
    assert flag.removeprefix("--") in str(caught.value)
    for owner in owners:
        assert owner in str(caught.value)


def test_options_that_differ_in_one_letter_are_taken() -> None:
    options = [*_backend("pin")(), *_backend("pin", alias="hsm")(), *_backend("pin", alias="hsm")("use", parent=True)]
    check_flags(options, {"--pins"}, "init-ca")
    assert len({option.flag for option in options}) == 3


def _configure(folder: Path, monkeypatch: pytest.MonkeyPatch, *aliases: str, named: str = "pin") -> None:
    source = f"""
from plugin.fake_backends import MemoryBackend
from anchorhold.plugin import hookimpl
class Vault(MemoryBackend):
    @hookimpl
    def add_cli_options(self, add, operation):
        add({named!r}, help="Some help.", secret=True)
"""
    module = f"vault_with_{named.replace('-', '_')}"
    offer(monkeypatch, folder / "site", BACKENDS_GROUP, {"vault": f"{module}:Vault"}, modules={module: source})
    settings_file(folder, monkeypatch, "".join(f'[key_backends.{alias}]\nbackend = "vault"\n' for alias in aliases))


@pytest.mark.parametrize(
    ("aliases", "named", "words"),
    [
        (("default", "parent"), "pin", ("--parent-pin", "'default'", "'parent'")),
        (("default",), "key-type", ("--key-type", "'default'", "the command init-ca")),
        (("default",), "help", ("--help", "'default'", "the command init-ca")),
    ],
    ids=["alias called parent", "option of the command", "help"],
)
def test_a_command_with_two_equal_flags_is_refused_naming_both_owners(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    anchorhold: Command,
    aliases: tuple[str, ...],
    named: str,
    words: tuple[str, ...],
) -> None:
    _configure(tmp_path, monkeypatch, *aliases, named=named)
    refused = anchorhold("init-ca", "Root", "CN=Root")
    assert refused.exit_code == OptionConflictError.exit_code, refused.talk
    for word in words:
        assert word in refused.talk
    assert refused.talk.count("\n") == 1


def test_an_alias_called_parent_works_when_nothing_collides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command
) -> None:
    _configure(tmp_path, monkeypatch, "parent")
    monkeypatch.setattr(MemoryBackend, "keys", {})
    created = anchorhold("init-ca", "Root", "CN=Root", "--key-backend", "parent", "--parent-pin", "1234")
    assert created.exit_code == 0, created.talk
    assert len(MemoryBackend.keys) == 1


def test_the_help_shows_each_alias_in_a_panel_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command
) -> None:
    _configure(tmp_path, monkeypatch, "default", "hsm")
    shown = anchorhold("init-ca", "--help").text
    for panel in ("Key backend 'default'", "Key backend 'hsm'", "Key backend 'hsm', key of the parent"):
        assert panel in shown
    for flag in ("--pin", "--hsm-pin", "--parent-pin", "--hsm-parent-pin", "ANCHORHOLD_HSM_PARENT_PIN"):
        assert flag in shown


def test_the_options_come_from_the_settings_that_the_command_line_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anchorhold: Command
) -> None:
    _configure(tmp_path, monkeypatch, "hsm")
    monkeypatch.delenv("ANCHORHOLD_CONFIG")
    monkeypatch.setattr(MemoryBackend, "keys", {})
    created = anchorhold("--config", "config.toml", "init-ca", "Root", "CN=Root", "--key-backend=hsm", "--hsm-pin=1234")
    assert created.exit_code == 0, created.talk
    assert len(MemoryBackend.keys) == 1


class _SilentOptions(BaseModel, extra="forbid"):
    name: str

    @field_validator("name")
    @classmethod
    def _refuse(cls, _: str) -> str:
        raise ValueError  # as some libraries do, without a word


class _Silent(MemoryBackend):
    Options = _SilentOptions


def test_a_validator_that_says_nothing_is_a_clear_line_all_the_same(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"silent": f"{__name__}:_Silent"})
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "silent"\noptions = { name = "x" }\n')
    outcome = anchorhold("config", "check")
    assert outcome.exit_code == SettingsError.exit_code
    assert "key_backends.default.options.name: is not a valid value" in outcome.talk
