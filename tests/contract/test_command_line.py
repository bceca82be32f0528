"""The contract without any code: ``pytest --anchorhold-backend=TYPE --anchorhold-options=FILE``."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import tomli_w

from anchorhold.testing import RULES
from contract.faulting import SEALED_TO_RECIPIENT, install_all, pytest_run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.databases(because="each run has a ledger of its own")

PASSWORD = "correct horse battery"


class Run:
    """The command line in a folder with backends installed.

    Attributes:
        told: What the file says.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        install_all(folder / "site")
        self.told: dict[str, Any] = {
            "options": {"folder": str(folder / "keys")},
            "other": {"folder": str(folder / "other")},
            "unreachable": {"folder": "/dev/null/keys"},
            "offers": {"curves": ["secp256r1", "secp384r1"]},
            "secrets": {"password": {"env": "MY_PASSWORD"}},
            "adoption": {"file-id": "{id}"},
            "old-handles": {"1": {"file": "{id}.key"}},
        }

    def __call__(self, *arguments: str, backend: str = "files") -> subprocess.CompletedProcess[str]:
        """Run it."""
        path = self._folder / "mine.toml"
        path.write_text(tomli_w.dumps(self.told))
        named = [f"--anchorhold-backend={backend}", f"--anchorhold-options={path}"]
        return pytest_run(self._folder / "run", self._folder / "site", [*named, *arguments], MY_PASSWORD=PASSWORD)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.slow(because="the whole contract in one process")
def test_a_good_backend_passes_and_is_described_and_no_key_is_left_of_it(run: Run, tmp_path: Path) -> None:
    ran = run()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (tmp_path / "keys").is_dir()
    assert list(tmp_path.rglob("*.key")) == []
    assert "files: offers ocsp_store, find_key, import_key, export_key, delete_key" in ran.stdout
    assert "files: a start loads" in ran.stdout


@pytest.mark.parametrize(("backend", "good"), [("files", True), ("same-key-each-time", False)])
def test_one_rule_can_be_run_alone(run: Run, backend: str, good: bool) -> None:
    ran = run("--anchorhold-rule=create.fresh", backend=backend)
    assert ran.returncode == (0 if good else 1), ran.stdout + ran.stderr
    assert ("1 passed" if good else "1 failed") in ran.stdout
    assert (RULES["create.fresh"].sentence in ran.stdout) is not good


def test_the_rules_that_took_longest_are_named(run: Run) -> None:
    rules = ("create.fresh", "create.similar-ids", "handle.json", "handle.version", "find.by-id", "find.unknown")
    ran = run(*(f"--anchorhold-rule={rule}" for rule in rules), backend="same-key-each-time")
    line = next(line for line in ran.stdout.splitlines() if line.startswith("slowest rules: "))
    named = re.findall(r"([a-z.-]+) \d+\.\d s", line)
    assert len(named) == len(set(named)) == 5
    assert set(named) < set(rules)


def test_a_backend_that_needs_no_secret_to_make_keys_keeps_the_rules_of_secrets(run: Run) -> None:
    rules = ("secrets.empty", "secrets.whole", "secrets.missing", "secrets.wrong", "secrets.at-rest")
    ran = run(*(f"--anchorhold-rule={rule}" for rule in rules), backend=SEALED_TO_RECIPIENT)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_tests_of_the_folder_are_left_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "test_others.py").write_text("def test_other():\n    assert False\n")
    ran = run("--anchorhold-rule=create.fresh")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("backend", "rule"),
    [
        ("password-in-error", "secrets.not-in-errors"),
        ("password-in-log", "secrets.not-in-logs"),
        ("password-in-handle", "secrets.not-in-handles"),
        ("accepts-wrong-password", "secrets.wrong"),
        ("remembers-password", "secrets.missing"),
        ("bare-exceptions", "errors.types"),
        ("breaks-after-fork", "processes.fork"),
    ],
)
def test_what_pytest_says_of_a_broken_rule_does_not_show_the_secrets(run: Run, backend: str, rule: str) -> None:
    ran = run(f"--anchorhold-rule={rule}", backend=backend)
    assert ran.returncode == 1
    assert RULES[rule].sentence in ran.stdout
    assert PASSWORD not in ran.stdout + ran.stderr
    assert PASSWORD[::-1] not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("told", "arguments", "complaint"),
    [
        ({"option": {}}, (), "[option] is not known; did you mean 'options'?"),
        ({"other_options": {}}, (), "[other_options] is not known; did you mean 'other'?"),
        ({"old_handles": {}}, (), "[old_handles] is not known; did you mean 'old-handles'?"),
        ({"options": {"folder": "/keys", "foldr": "/keys"}}, (), "[options]: key_backends.default.options.foldr"),
        ({"other": {"folder": ["/keys"]}}, (), "[other]: key_backends.other.options.folder"),
        ({}, ("--anchorhold-rule=create.fesh",), "there is no such rule; did you mean 'create.fresh'?"),
    ],
)
def test_what_is_not_known_is_refused(
    run: Run, told: dict[str, Any], arguments: tuple[str, ...], complaint: str
) -> None:
    run.told |= told
    ran = run(*arguments)
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR, ran.stdout + ran.stderr
    assert complaint in ran.stderr


def test_a_backend_that_core_cannot_bind_is_told_under_the_rule_for_that(run: Run) -> None:
    ran = run("--anchorhold-rule=plugin.binds", "--anchorhold-rule=create.every-kind", backend="of-another-release")
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    assert "1 failed, " in ran.stdout
    assert "2 errors" in ran.stdout  # the rule has two tests
    assert f"plugin.binds: {RULES['plugin.binds'].sentence}" in ran.stdout
    assert "create.every-kind:" not in ran.stdout


COMMANDS: Final = {
    "vanish": {"command": ["sh", "-c", "rm $0", "FOLDER/{id}.key"]},
    "stored": {"command": ["sh", "-c", "ls $0 | grep -c key; exit 0", "FOLDER"]},
}


def test_a_backend_that_cannot_delete_passes_with_a_command_that_can(run: Run, tmp_path: Path) -> None:
    rules = [f"--anchorhold-rule={rule}" for rule in ("use.gone", "errors.types", "capabilities.offered")]
    ran = run(*rules, backend="without-delete")
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED
    assert (
        "Found: there is no delete_key, so the subclass must say how a key is removed: write [vanish] into"
        in ran.stdout
    )
    assert "private keys that are left behind are not looked for; write [stored] into the file" in ran.stdout
    run.told |= json.loads(json.dumps(COMMANDS).replace("FOLDER", str(tmp_path / "keys")))
    ran = run(*rules, backend="without-delete")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "not looked for" not in ran.stdout


@pytest.mark.parametrize(
    ("table", "told", "complaint"),
    [
        ("vanish", {"command": ["rm", "{no-such}"]}, "[vanish] says '{no-such}', and a handle has: {id}"),
        ("vanish", {"command": ["/no/such/program"]}, "the command of [vanish] has failed"),
        ("vanish", {"command": ["false"]}, "the command of [vanish] has failed"),
        ("stored", {"command": ["echo", "many"]}, "the command of [stored] has printed 'many', which is not a number"),
        ("adoption", {"file-id": "{number}"}, "[adoption] says '{number}', and a handle has: {id}"),
        ("other", None, "the contract was not told how: write [other] into the file"),
        ("old-handles", {}, "of older ones there is an example of none: write [old-handles] into the file"),
    ],
)
def test_what_is_missing_or_fails_is_called_as_the_file_calls_it(
    run: Run, table: str, told: dict[str, Any] | None, complaint: str
) -> None:
    rules = ("use.gone", "capabilities.offered", "adopt.by-options", "aliases.apart", "handle.old-versions")
    if told is None:
        del run.told[table]
    else:
        run.told[table] = told
    ran = run(*(f"--anchorhold-rule={rule}" for rule in rules))
    assert "1 failed, 4 passed" in ran.stdout
    assert complaint in ran.stdout


def test_options_without_a_backend_are_refused(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path / "run", tmp_path, ["--anchorhold-options=mine.toml"])
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--anchorhold-options is given without --anchorhold-backend" in ran.stderr


def test_a_backend_that_is_not_installed_is_named(run: Run) -> None:
    ran = run(backend="fils")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR, ran.stdout + ran.stderr
    assert "--anchorhold-backend: the key backend type 'fils' is not installed; did you mean 'files'?" in ran.stderr


def test_the_plugin_costs_next_to_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "test_theirs.py").write_text(
        "import sys\n"
        "def test_nothing_is_imported():\n"
        "    assert 'anchorhold.testing.plugin' in sys.modules\n"
        "    heavy = {'cryptography', 'pydantic', 'peewee', 'typer'}\n"
        "    assert not heavy & set(sys.modules)\n"
        "    ours = {name for name in sys.modules if name.startswith('anchorhold')}\n"
        "    assert ours == {'anchorhold', 'anchorhold.testing', 'anchorhold.testing.plugin'}\n"
    )
    ran = pytest_run(tmp_path / "run", tmp_path, [], PATH=os.environ["PATH"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
