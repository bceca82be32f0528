"""Shell completion: real values, nothing created, nothing asked for, and silence where something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold.cli.command_builder import build_command
from anchorhold.cli.command_table import COMMANDS
from anchorhold.cli.global_options import GlobalOptions
from anchorhold.profiles import BUILT_IN
from anchorhold.x509.crl_entries import REASONS
from cli.cli_steps import good, two_storages

if TYPE_CHECKING:
    from conftest import Command

pytestmark = pytest.mark.databases("sqlite", because="names are read in one way on each kind, see tests/ledger")

COMMAND = str(Path(sys.executable).with_name("anchorhold"))


def _completed(*words: str) -> list[str]:
    """What bash is told for the last word, which may be empty."""
    variables = {
        "_ANCHORHOLD_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["anchorhold", *words]),
        "COMP_CWORD": str(len(words)),
    }
    ran = subprocess.run(
        [COMMAND], env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.stderr == ""
    return ran.stdout.split("\n")[:-1] if ran.stdout.strip() else []


def _offered(name: str, parameter: str) -> list[str]:
    """What an empty value of a parameter of a command is completed with."""
    command = build_command(name, GlobalOptions())
    (found,) = (each for each in command.params if parameter in (*each.opts, each.name))
    context = command.make_context(name, [], resilient_parsing=True)
    return [item.value for item in found.shell_complete(context, "")]


def test_commands_are_offered_in_the_order_of_the_help() -> None:
    assert _completed("") == list(COMMANDS)
    assert _completed("list-") == ["list-cas", "list-certs"]
    assert _completed("config", "") == ["show", "check", "init"]


def test_authorities_of_the_ledger_are_offered_wherever_one_is_named(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("init-ca", "Web", "CN=Web", "--parent=Root"))
    for words in (
        ("sign-cert", "--ca"),
        ("init-ca", "--parent"),
        ("view-ca", "ca"),
        ("edit-ca", "ca"),
        ("dump-crl", "ca"),
        ("move-key", "ca"),
        ("generate-crls", "cas"),
        ("regenerate-ocsp-keys", "cas"),
        ("generate-ocsp-responses", "cas"),
        ("maintain", "cas"),
        ("recover", "--finish"),
        ("recover", "--abandon"),
        ("recover", "--destroy-copies"),
        ("list-certs", "--ca"),
        ("history", "--ca"),
        ("revoke-cert", "--ca"),
        ("import-cert", "--ca"),
    ):
        assert _offered(*words) == ["Root", "Web"], words
    assert _completed("sign-cert", "--ca", "") == ["Root", "Web"]
    assert _completed("view-ca", "W") == ["Web"]


def test_bash_gets_names_with_blanks_escaped_and_other_shells_as_they_are(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Our Root", "CN=Root"))
    assert _completed("view-ca", "O") == ["Our\\ Root"]
    assert _offered("view-ca", "ca") == ["Our Root"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sign-cert", "--profile"), list(BUILT_IN)),
        (("list-certs", "--profile"), list(BUILT_IN)),
        (("profiles", "name"), list(BUILT_IN)),
        (("revoke-cert", "--reason"), list(REASONS)),
        (("sign-cert", "--output-format"), ["pem", "der", "json", "text"]),
        (("list-cas", "-f"), ["text", "json"]),
        (("dump-crl", "-f"), ["pem", "der", "json"]),
        (("history", "-f"), ["text", "json", "jsonl"]),
        (("edit-ca", "--ocsp-unknown"), ["unknown", "revoked", "unauthorized"]),
        (("edit-ca", "--rsa-padding"), ["pkcs1v15", "pss"]),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_fixed_values_are_offered(words: tuple[str, str], expected: list[str]) -> None:
    assert _offered(*words) == expected


def test_aliases_and_their_options_come_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(two_storages(tmp_path)))
    assert _completed("init-ca", "--key-backend", "") == ["default", "eu"]
    assert _completed("move-key", "--to", "e") == ["eu"]
    assert _completed("sign-cert", "--eu") == ["--eu-password"]


def test_completion_reads_the_settings_file_that_the_line_names(tmp_path: Path) -> None:
    settings = two_storages(tmp_path)
    assert _completed("--config", str(settings), "init-ca", "--key-backend", "") == ["default", "eu"]


def test_completion_creates_no_ledger(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert _completed("sign-cert", "--ca", "") == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "settings",
    ["not = toml = at all", 'database = "sqlite:///nowhere/at/all.db"', '[key_backends.default]\nbackend = "none"'],
)
def test_wrong_settings_complete_nothing_in_silence(
    settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(settings)
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(path))
    assert _completed("sign-cert", "--ca", "") == []
    assert _completed("sign") == ["sign-cert"]


def test_bash_loads_the_script_that_show_completion_prints(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    script = f"""
        eval "$({COMMAND} --show-completion bash)"
        COMP_WORDS=(anchorhold sign-cert --ca R) COMP_CWORD=3
        _anchorhold_completion {COMMAND}
        echo "${{COMPREPLY[*]}}"
    """
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("Root\n", "")
