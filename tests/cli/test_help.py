"""Help: complete for every command and alias, quick at the root."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.cli.command_builder import build_command
from anchorhold.cli.command_table import COMMANDS
from anchorhold.cli.examples import EXAMPLES
from anchorhold.cli.global_options import GlobalOptions
from anchorhold.cli.root import app as root_app
from cli.cli_steps import good, program, two_storages

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases(because="help opens no ledger")

CONFIG_COMMANDS = ("show", "check", "init")
OURS = [name for name, command in COMMANDS.items() if command.distribution is None]
OTHERS = [("serve",), ("desk",)]
LINES = [(name,) for name in OURS] + [("config", name) for name in CONFIG_COMMANDS]
HEAVY = ("cryptography", "peewee", "playhouse", "fsspec", "pydantic", "pydantic_core", "pluggy", "anchorhold_storages")


def _built(line: tuple[str, ...]) -> Any:
    command = build_command(line[0], GlobalOptions())
    return command.commands[line[1]] if len(line) > 1 else command


def _squeezed(text: str) -> str:
    """Help without frames and line breaks, so that a wrapped sentence is found again."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def test_the_table_of_the_config_commands_is_complete() -> None:
    assert set(build_command("config", GlobalOptions()).commands) == set(CONFIG_COMMANDS)


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_every_option_and_argument_has_a_help_text(line: tuple[str, ...]) -> None:
    command = _built(line)
    assert (command.help or "").strip(), "the command has no description"
    missing = [parameter.name for parameter in command.params if not (getattr(parameter, "help", None) or "").strip()]
    assert not missing, f"without help: {missing}"


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_help_shows_every_option_and_argument_with_its_whole_text(line: tuple[str, ...], anchorhold: Command) -> None:
    """What stands in square brackets is swallowed as markup unless it is escaped."""
    shown = _squeezed(good(anchorhold(*line, "--help")).text)
    for parameter in _built(line).params:
        for flag in [*parameter.opts, *parameter.secondary_opts]:
            if flag.startswith("-"):
                assert flag in shown
        text = parameter.help.replace("\\[", "[")  # escaped, or it would be markup
        assert _squeezed(text) in shown, f"the help of {parameter.name} is not shown as written"


@pytest.mark.parametrize("line", [(), *LINES], ids=lambda line: " ".join(line) or "anchorhold")
def test_help_fits_80_columns_and_shows_each_flag_whole(
    line: tuple[str, ...], anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(two_storages(tmp_path)))
    monkeypatch.setenv("COLUMNS", "80")
    shown = good(anchorhold(*line, "--help")).text.splitlines()
    assert not [row for row in shown if len(row.rstrip()) > 80]
    words = {word for row in shown for word in re.split(r"[\s,│]+", row)}
    if line:
        flags = {flag for each in _built(line).params for flag in (*each.opts, *each.secondary_opts) if "-" in flag[:2]}
        assert flags <= words, f"cut or missing: {flags - words}"
    assert not [word for word in words if re.fullmatch(r"<\w+>|--\S*…", word)]


def test_the_root_help_lists_commands_by_group(anchorhold: Command) -> None:
    shown = good(anchorhold("--help")).text
    headings = list(dict.fromkeys(command.group for command in COMMANDS.values()))
    positions = [shown.index(f"\n{heading}:\n") for heading in headings]
    assert positions == sorted(positions)
    for (heading, start), end in zip(zip(headings, positions, strict=True), [*positions[1:], len(shown)], strict=True):
        listed = re.findall(r"^  ([a-z-]+)  ", shown[start:end], re.MULTILINE)
        assert listed == [name for name, command in COMMANDS.items() if command.group == heading]


@pytest.mark.parametrize("line", [line for line in (*LINES, *OTHERS) if line != ("config",)], ids=" ".join)
def test_help_ends_with_examples_that_the_command_accepts(
    line: tuple[str, ...], anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(two_storages(tmp_path)))
    examples = EXAMPLES[" ".join(line)]
    shown = _squeezed(good(anchorhold(*line, "--help")).text)
    for example in examples:
        assert _squeezed(example) in shown
        program, *arguments = shlex.split(example.replace("\\\n", " "))
        words = [word for word in arguments if word not in ("--config", "test.toml")]
        assert (program, *words[: len(line)]) == ("anchorhold", *line)
        assert _built(line).make_context(line[-1], words[len(line) :])


def test_every_example_is_of_a_command() -> None:
    assert set(EXAMPLES) == {" ".join(line) for line in LINES if line != ("config",)} | {"serve", "worker", "desk"}


def test_every_command_is_in_the_root_help_with_its_summary(anchorhold: Command) -> None:
    shown = _squeezed(good(anchorhold("--help")).text)
    assert all(f"{name} {command.summary}" in shown for name, command in COMMANDS.items())
    for option in ("--config", "--debug", "--version"):
        assert option in shown


def test_completion_is_set_up_at_the_root_only(anchorhold: Command) -> None:
    assert "--install-completion" not in good(anchorhold("list-cas", "--help")).text


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_short_and_long_help_are_the_same_and_underscores_are_hyphens(
    line: tuple[str, ...], anchorhold: Command
) -> None:
    shown = good(anchorhold(*line, "--help")).text
    assert good(anchorhold(*line, "-h")).text == shown
    underscored = good(anchorhold(line[0].replace("-", "_"), *line[1:], "--help")).text
    assert _squeezed(underscored).replace(line[0].replace("-", "_"), line[0]) == _squeezed(shown)


@pytest.mark.parametrize(
    ("command", "own", "parent"),
    [
        ("init-ca", ("path", "password", "password-prompt"), True),
        ("import-ca", ("path", "password", "password-prompt"), False),
        ("sign-cert", ("password",), False),
        ("recover", ("password",), True),
    ],
)
def test_each_alias_has_a_panel_with_its_prefixed_options(
    command: str,
    own: tuple[str, ...],
    parent: bool,
    anchorhold: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(two_storages(tmp_path)))
    shown = good(anchorhold(command, "--help")).text
    panels = dict(re.findall(r"╭─ (Key backend .*?) ─+╮\n(.*?)╰─", shown, re.DOTALL))
    expected = {
        "Key backend 'default'": [f"--{name}" for name in own],
        "Key backend 'eu'": [f"--eu-{name}" for name in own],
    }
    if parent:
        expected["Key backend 'default', key of the parent"] = ["--parent-password"]
        expected["Key backend 'eu', key of the parent"] = ["--eu-parent-password"]
    found = {title: re.findall(r"^│\s*(--[a-z-]+)", body, re.MULTILINE) for title, body in panels.items()}
    assert found == expected


def test_the_help_of_a_secret_names_its_variable(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(two_storages(tmp_path)))
    shown = good(anchorhold("init-ca", "--help")).text
    for variable in ("PASSWORD", "PARENT_PASSWORD", "EU_PASSWORD", "EU_PARENT_PASSWORD"):
        assert f"ANCHORHOLD_{variable}]" in shown


def test_help_of_a_command_shows_even_with_settings_that_are_wrong_for_other_commands(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("not = toml = at all")
    monkeypatch.setenv("ANCHORHOLD_CONFIG", "config.toml")
    for line in (("--help",), ("config", "--help"), ("config", "check", "--help"), ("list-cas", "--help")):
        good(anchorhold(*line))


def test_root_help_imports_nothing_heavy() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "anchorhold", "--help"], capture_output=True, text=True, check=True
    )
    imported = {
        line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")
    }
    assert "typer" in imported  # else the test would see nothing at all
    heavy = sorted(name for name in imported if name.partition(".")[0] in HEAVY)
    assert heavy == []
    assert not [name for name in imported if name.startswith("anchorhold.cli.commands.")]


def test_help_of_a_command_imports_no_library_of_a_backend() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "anchorhold", "init-ca", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert "anchorhold_storages" in imported
    assert "fsspec" not in imported


def test_python_m_anchorhold_is_the_same_program(anchorhold: Command) -> None:
    for arguments in (("--version",), ("list-cas", "--output-format", "json"), ("view-ca", "None")):
        inside, outside = anchorhold(*arguments), program(*arguments)
        assert (outside.returncode, outside.stdout) == (inside.exit_code, inside.data)
        assert outside.stderr.decode() == inside.talk
    inside, outside = anchorhold("--help"), program("--help")
    assert outside.stdout.replace(b"python -m anchorhold", b"anchorhold") == inside.data


def test_the_installed_command_is_the_function_that_the_tests_call() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="anchorhold")
    assert script.value == "anchorhold.cli:main"
    assert root_app.info.name == "anchorhold"


@pytest.mark.databases("sqlite", because="it is about names")
def test_every_command_runs_under_its_name_with_underscores(anchorhold: Command) -> None:
    good(anchorhold("init_ca", "Root", "CN=Root"))
    good(anchorhold("view_ca", "Root"))
    assert good(anchorhold("list_cas")).data == good(anchorhold("list-cas")).data
    assert good(anchorhold("list_certs")).data == good(anchorhold("list-certs")).data
