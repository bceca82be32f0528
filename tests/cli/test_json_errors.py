"""An error of a command whose result was to be JSON is JSON too: the last line of standard error, one object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors
from cli.cli_steps import good

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command, Outcome

MEMBERS = {"code", "title", "detail", "hint", "remedy", "command", "exit_code"}


def told(outcome: Outcome) -> dict[str, Any]:
    """The error; it is on the last line of standard error, and standard output is empty."""
    assert outcome.data == b""
    content: dict[str, Any] = json.loads(outcome.talk.splitlines()[-1])
    assert content.keys() == MEMBERS
    assert content["exit_code"] == outcome.exit_code
    return content


@pytest.mark.parametrize(
    "form",
    [("--output-format", "json"), ("--output-format=json",), ("-f", "json"), ("-fjson",), ("-f", "pem", "-fjson")],
)
def test_an_error_is_one_object_if_json_was_asked_for(form: tuple[str, ...], anchorhold: Command) -> None:
    outcome = anchorhold("view-ca", *form, "Root")
    assert told(outcome) == {
        "code": "unknown-authority",
        "title": "Unknown authority",
        "detail": "authority 'Root': is not known",
        "hint": "known are: none",
        "remedy": None,
        "command": None,
        "exit_code": errors.UnknownAuthorityError.exit_code,
    }
    assert len(outcome.talk.splitlines()) == 1


def test_a_remedy_is_there_as_an_operation_and_as_a_command(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "My Sub", "CN=Sub", "--csr-out=sub.csr"))
    error = told(anchorhold("view-ca", "My Sub", "-f", "json"))
    assert error["remedy"] == {"operation": "authorities.complete", "arguments": {"authority": "My Sub"}}
    assert error["command"] == "anchorhold import-ca 'My Sub' --signed FILE"
    assert "anchorhold" not in error["hint"]
    assert f"{error['detail']}; {error['hint']} with `{error['command']}`" in anchorhold("view-ca", "My Sub").talk


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("list-certs", "--profile=webservr", "--expiring=1d"), "unknown-profile"),
        (("view-cert", "no-hex"), "input-invalid"),
        (("view-cert", "ab12"), "unknown-certificate"),
        (("sign-cert", "--ca=Root", "--csr=none.csr"), "unknown-authority"),
        (("init-ca", "Root", "CN=Root", "--key-backend=none"), "unknown-alias"),
        (("dump-crl", "Root"), "unknown-authority"),
        (("import-ca", "New", "none.key", "none.pem"), "input-invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_commands_that_read_and_commands_that_sign_do_so(
    arguments: tuple[str, ...], code: str, anchorhold: Command
) -> None:
    assert told(anchorhold(*arguments, "-f", "json"))["code"] == code


def test_what_was_found_is_data_and_the_error_is_beside_it(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    outcome = anchorhold("list-certs", "--expiring=20y", "-f", "json")
    assert [found["subject"] for found in json.loads(outcome.data)] == ["CN=Root"]
    error = json.loads(outcome.talk)
    assert (error["code"], error["exit_code"]) == ("certificates-expiring", outcome.exit_code)


@pytest.mark.parametrize(
    "arguments",
    [
        ("view-ca", "Root"),
        ("view-ca", "Root", "--output-format=text"),
        ("view-ca", "-fjson", "Root", "-ftext"),
        ("recover", "--finish", "Root"),
        ("recover", "--finish", "json"),
        ("view-ca", "--", "-f"),
    ],
    ids=" ".join,
)
def test_an_error_is_a_line_of_text_if_not(arguments: tuple[str, ...], anchorhold: Command) -> None:
    outcome = anchorhold(*arguments)
    assert outcome.exit_code == errors.UnknownAuthorityError.exit_code
    assert outcome.talk.startswith("anchorhold: authority ")


@pytest.mark.parametrize("arguments", [("recover", "-f", "json"), ("nothing", "-f", "json"), ("--nothing", "-fjson")])
def test_a_command_without_that_option_refuses_it_in_text(arguments: tuple[str, ...], anchorhold: Command) -> None:
    outcome = anchorhold(*arguments)
    assert outcome.exit_code == 2
    assert "Usage:" in outcome.talk


@pytest.mark.parametrize(
    ("arguments", "detail", "hint"),
    [
        (("--nothing",), "No such option: --nothing", "--help"),
        (("--debug", "Root"), "No such option: --debug", "Write --debug before the name of the command."),
        ((), "Missing argument 'CA'.", "--help"),
    ],
)
def test_wrong_usage_is_an_object_too(arguments: tuple[str, ...], detail: str, hint: str, anchorhold: Command) -> None:
    error = told(anchorhold("view-ca", "-f", "json", *arguments))
    assert (error["code"], error["exit_code"], error["detail"]) == ("usage-error", 2, detail)
    assert hint in error["hint"]


def test_what_nobody_foresaw_is_an_object_too(anchorhold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from anchorhold.installation import Installation

    def fail(_: Installation) -> None:
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr(Installation, "authorities", property(fail), raising=False)
    error = told(anchorhold("list-cas", "-f", "json"))
    assert (error["code"], error["exit_code"]) == ("internal-error", 1)
    assert "ZeroDivisionError" in error["detail"]
    with_traceback = anchorhold("--debug", "list-cas", "-f", "json")
    assert told(with_traceback)["code"] == "internal-error"
    assert "of the test" in with_traceback.talk


def test_settings_that_cannot_be_read_are_an_object_too(anchorhold: Command, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("ca_dir: /tmp\n")
    error = told(anchorhold("--config", str(path), "list-cas", "-f", "json"))
    assert error["code"] == "settings-invalid"
    assert error["remedy"] == {"operation": "settings.write", "arguments": {}}
    assert error["command"] == "anchorhold config init"


def test_no_secret_of_the_settings_is_in_the_object(anchorhold: Command, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('[key_backends.default]\nbackend = "storages"\noptions.password = "correct-horse"\n')
    outcome = anchorhold("--config", str(path), "view-ca", "correct-horse", "-f", "json")
    assert told(outcome)["code"] == "unknown-authority"
    assert "correct-horse" not in outcome.talk
