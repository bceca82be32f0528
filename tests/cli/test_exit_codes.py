"""Exit codes: each kind of error has one of its own, docs/exit-codes.md says which, and code 1 stays for defects."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from anchorhold.errors import AnchorholdError, error_classes
from cli.cli_steps import good, program
from cli.exit_codes_page import GENERAL, PAGE, REGENERATE, page

if TYPE_CHECKING:
    from conftest import Command


def _all_classes(above: type[AnchorholdError] = AnchorholdError) -> list[type[AnchorholdError]]:
    return [found for error in above.__subclasses__() for found in (error, *_all_classes(error))]


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [error.exit_code for error in error_classes()]
    assert len(codes) == len(set(codes))
    assert not set(codes) & set(GENERAL)
    assert all(2 < code < 126 for code in codes)  # from 126 on, shells have meanings of their own
    assert codes == sorted(codes)


def test_no_error_class_is_left_out_or_inherits_its_code() -> None:
    found = [error for error in _all_classes() if error.__module__ == errors.__name__]
    assert set(found) == {error for error in error_classes() if error.__module__ == errors.__name__}
    assert all({"code", "exit_code"} <= vars(error).keys() and vars(error)["__doc__"] for error in found)


def test_every_error_has_a_code_of_its_own_that_programs_can_compare() -> None:
    codes = [error.code for error in error_classes()] + [code for code, _ in GENERAL.values() if code]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes), codes


def test_the_page_of_exit_codes_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"run: {REGENERATE}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("inti-ca",),
        ("init-ca",),
        ("list-cas", "--nothing"),
        ("--nothing",),
        ("view-ca", "A", "--output-format=yaml"),
        (),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two_and_says_so_on_standard_error(
    arguments: tuple[str, ...], anchorhold: Command
) -> None:
    outcome = anchorhold(*arguments)
    assert outcome.exit_code == 2
    assert "Traceback" not in outcome.talk
    assert bool(outcome.talk) or not arguments


def test_a_mistyped_command_gets_a_suggestion(anchorhold: Command) -> None:
    assert "'init-ca'" in anchorhold("inti-ca").talk


def test_what_nobody_foresaw_ends_with_one_and_one_line(anchorhold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from anchorhold.installation import Installation

    def fail(_: Installation) -> None:
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr(Installation, "authorities", property(fail), raising=False)
    quiet, loud = anchorhold("list-cas"), anchorhold("--debug", "list-cas")
    assert (quiet.exit_code, loud.exit_code) == (1, 1)
    assert re.fullmatch(r"anchorhold: unexpected ZeroDivisionError; .*--debug\n", quiet.talk)
    assert "ZeroDivisionError: of the test" in loud.talk


def test_a_full_disk_behind_standard_output_is_no_defect() -> None:
    """The device /dev/full answers every write as a full disk does."""
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "anchorhold", "config", "show"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert result.returncode == errors.OutputError.exit_code, result.stderr.decode()
    assert len(result.stderr.splitlines()) == 2  # the name of the settings file, and the error


@pytest.mark.parametrize(
    "arguments",
    [
        ("list-certs", f"--limit={10**20}"),
        ("list-certs", f"--after={10**20}"),
        ("recover", f"--older-than={10**14}"),
        ("init-ca", "Root", "CN=Root", "--key-type=RSA", f"--key-size={10**20}"),
    ],
    ids=" ".join,
)
def test_a_number_beyond_all_limits_is_no_defect(arguments: tuple[str, ...], anchorhold: Command) -> None:
    outcome = anchorhold(*arguments)
    assert outcome.exit_code in (2, errors.InputError.exit_code, errors.KeyUnsupportedError.exit_code), outcome.talk
    assert outcome.data == b""


@pytest.mark.usefixtures("database")
def test_a_closed_standard_input_is_no_defect() -> None:
    """Some daemons start their children without one."""
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "anchorhold", "list-cas"]
    result = subprocess.run(shell, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()


def test_a_closed_standard_output_is_no_defect() -> None:
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "anchorhold", "config", "show"]
    result = subprocess.run(shell, capture_output=True, check=False)
    assert result.returncode == errors.OutputError.exit_code, result.stderr.decode()


def test_nothing_is_signed_for_a_standard_output_that_is_closed(anchorhold: Command, csr_file: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    line = f"{sys.executable} -m anchorhold sign-cert --ca=Root --csr={csr_file} --alt=a.example >&-"
    result = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert result.returncode == errors.OutputError.exit_code, result.stderr.decode()
    assert "a.example" not in anchorhold("list-certs").text


@pytest.mark.parametrize("line", [("quickstart", "--help"), ("init-ca", "--help"), ("--help",)], ids=" ".join)
def test_help_works_where_the_output_is_not_unicode(line: tuple[str, ...]) -> None:
    result = program(*line, env={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0, result.stderr.decode()
    assert b"Usage: " in result.stdout
