"""Remedies: an operation that mends an error is a command at a shell, and data for every other program."""

from __future__ import annotations

import json
import pickle
import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from anchorhold.cli.remedies import _COMMANDS, command_of, sentence
from anchorhold.errors import AuthorityNotReadyError, KeyMissingError
from anchorhold.installation import open_installation
from anchorhold.remedy import Remedy

ROOT: Final = Path(__file__).parents[2]
BESIDE: Final = ("diagnostics", "options", "packages", "secrets", "settings")
"""What operations begin with that are none of a service."""
FINISH = Remedy("recovery.finish", {"authority": "Web"})


@pytest.mark.parametrize(
    ("remedy", "command"),
    [
        (FINISH, "anchorhold recover --finish Web"),
        (Remedy("recovery.abandon", {"authority": "Web"}), "anchorhold recover --abandon Web"),
        (
            Remedy("recovery.abandon", {"authority": "Web", "forget_key": True}),
            "anchorhold recover --abandon Web --forget-key",
        ),
        (Remedy("recovery.abandon", {"authority": "Web", "forget_key": False}), "anchorhold recover --abandon Web"),
        (Remedy("authorities.edit", {"authority": "Web", "enabled": True}), "anchorhold edit-ca Web --enable"),
        (Remedy("authorities.edit", {"authority": "Web", "enabled": False}), "anchorhold edit-ca Web --disable"),
        (
            Remedy("authorities.edit", {"authority": "Web", "ocsp_key_backend": None}),
            "anchorhold edit-ca Web --ocsp-key-backend …",
        ),
        (Remedy("certificates.sign", {"copy": ["subject", "alt"]}), "--copy subject --copy alt"),
        (Remedy("certificates.sign", {"names": None}), "--alt …"),
        (Remedy("packages.install", {"requirement": "anchorhold[postgresql]"}), "pip install 'anchorhold[postgresql]'"),
        (Remedy("secrets.give", {"key_backend": "default", "secret": "password"}), "--password"),
        (
            Remedy("secrets.give", {"key_backend": "hsm", "secret": "user-pin", "parent": True}),
            "--hsm-parent-user-pin",
        ),
        (Remedy("secrets.clear", {"key_backend": "hsm", "secret": "so-pin"}), '--hsm-so-pin=""'),
    ],
)
def test_a_remedy_is_a_command_or_its_options(remedy: Remedy, command: str) -> None:
    assert command_of(remedy) == command


@pytest.mark.parametrize("operation", [name for name in _COMMANDS if name.partition(".")[0] not in BESIDE])
def test_a_remedy_is_an_operation_of_a_service(operation: str) -> None:
    service, _, method = operation.partition(".")
    with open_installation() as installation:
        assert callable(getattr(getattr(installation, service), method))


def test_every_remedy_that_is_given_has_a_command() -> None:
    sources = [file for folder in ("core/src", "plugins") for file in (ROOT / folder).rglob("*.py")]
    given = {name for file in sources for name in re.findall(r'Remedy\(\s*"([a-z_.]+)"', file.read_text())}
    assert len(given) > 15
    assert given <= set(_COMMANDS)


@pytest.mark.parametrize("name", ["two words", "it's", "$(reboot)", "`reboot`", "a;b", "{authority}", "Größe", ""])
def test_a_name_reaches_the_command_whole(name: str) -> None:
    command = command_of(Remedy("recovery.finish", {"authority": name}))
    assert command is not None
    assert shlex.split(command) == ["anchorhold", "recover", "--finish", name]


@pytest.mark.parametrize("remedy", [Remedy("quorum.approve", {"digest": "ab"}), Remedy("recovery.finish")])
def test_a_remedy_that_no_command_does_leaves_the_hint_alone(remedy: Remedy) -> None:
    error = KeyMissingError("key: is gone", hint="bring it back", remedy=remedy)
    assert sentence(error) == str(error) == "key: is gone; bring it back"


def test_the_hint_and_the_command_make_one_sentence() -> None:
    error = AuthorityNotReadyError("authority 'Web': has no key yet", hint="finish or abandon it", remedy=FINISH)
    expected = "authority 'Web': has no key yet; finish or abandon it with `anchorhold recover --finish Web`"
    assert sentence(error) == expected
    assert "anchorhold" not in str(error)


def test_a_second_step_takes_the_place_of_the_remedy_only_if_there_is_none() -> None:
    error = KeyMissingError("key: is gone", hint="bring it back")
    error.add_step("finish the authority", FINISH)
    assert sentence(error).endswith("; bring it back, and finish the authority with `anchorhold recover --finish Web`")
    error.add_step("see what is left", Remedy("recovery.pending"))
    assert error.remedy == FINISH
    assert sentence(error).endswith("; see what is left, and bring it back, and finish the authority with "
                                    "`anchorhold recover --finish Web`")  # fmt: skip


def test_an_error_has_the_members_of_problem_details() -> None:
    problem = KeyMissingError("key 'ab': is gone", hint="finish it", remedy=FINISH).to_problem()
    assert json.loads(json.dumps(problem)) == {
        "type": "urn:anchorhold:error:key-missing",
        "title": "Key missing",
        "detail": "key 'ab': is gone",
        "code": "key-missing",
        "hint": "finish it",
        "remedy": {"operation": "recovery.finish", "arguments": {"authority": "Web"}},
    }
    assert KeyMissingError("key: is gone", hint="look for it").to_problem()["remedy"] is None


def test_an_error_of_a_plugin_that_takes_no_remedy_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(_OldError("key: is gone", hint="look")))  # noqa: S301
    assert (type(error), str(error), error.remedy) == (_OldError, "key: is gone; look", None)


class _OldError(KeyMissingError):
    """As one that was written before errors had remedies."""

    def __init__(self, problem: str, *, hint: str) -> None:
        super().__init__(problem, hint=hint)


def test_the_arguments_of_a_remedy_do_not_change() -> None:
    arguments = {"authority": "Web"}
    remedy = Remedy("recovery.finish", arguments)
    arguments["authority"] = "Other"
    assert remedy == FINISH
    with pytest.raises(TypeError):
        remedy.arguments["authority"] = "Other"  # type: ignore[index]
