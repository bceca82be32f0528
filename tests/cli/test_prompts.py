"""Prompts, on a real pseudo-terminal: what is asked, that it is not echoed, and how a person gets out."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_imported import foreign_ca
from cli.cli_steps import good, left_behind, program
from cli.cli_terminal import END_OF_FILE, INTERRUPT, at_a_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

SECRET = "typed-by-a-person"


def _encrypted(ca_dir: Path) -> list[bool]:
    return ["ENCRYPTED" in path.read_text() for path in ca_dir.rglob("*.key")]


@pytest.mark.usefixtures("database")
def test_password_prompt_asks_twice_and_shows_nothing_of_it(ca_dir: Path) -> None:
    code, shown = at_a_terminal(("init-ca", "Root", "CN=Root", "--password-prompt"), (SECRET, SECRET))
    assert code == 0, shown
    assert SECRET not in shown
    assert len(re.findall(r"[Pp]assword.*: ", shown)) == 2
    assert _encrypted(ca_dir) == [True]


@pytest.mark.usefixtures("database")
def test_two_different_answers_make_nothing(ca_dir: Path, tmp_path: Path) -> None:
    code, shown = at_a_terminal(("init-ca", "Root", "CN=Root", "--password-prompt"), (SECRET, "something else"))
    assert code == errors.SecretMissingError.exit_code, shown
    assert "anchorhold: " in shown
    assert "the two entries differ" in shown
    assert not list(ca_dir.rglob("*.key"))
    assert not left_behind(tmp_path)["ledgers"]


@pytest.mark.usefixtures("database")
def test_password_prompt_without_a_terminal_is_refused(tmp_path: Path) -> None:
    result = program("init-ca", "Root", "CN=Root", "--password-prompt", stdin=subprocess.DEVNULL)
    assert result.returncode == errors.SecretMissingError.exit_code
    assert result.stderr.startswith(b"anchorhold: ")
    assert not left_behind(tmp_path)["ledgers"]


@pytest.mark.parametrize(
    ("answer", "code"), [(SECRET, 0), ("wrong", errors.SecretWrongError.exit_code)], ids=["right", "wrong"]
)
def test_an_encrypted_key_is_asked_for_when_it_is_used(
    answer: str, code: int, anchorhold: Command, csr_file: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", f"--password={SECRET}"))
    found, shown = at_a_terminal(("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=example.com"), (answer,))
    assert found == code, shown
    assert "password of key backend 'default'" in shown
    assert SECRET not in shown
    assert ("BEGIN CERTIFICATE" in shown) == (code == 0)


def test_a_plain_key_is_used_without_a_question(anchorhold: Command, csr_file: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    code, shown = at_a_terminal(("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=example.com"), ())
    assert code == 0, shown
    assert "assword" not in shown


def test_the_parents_password_is_asked_for_by_that_name(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", f"--password={SECRET}"))
    code, shown = at_a_terminal(("init-ca", "Child", "CN=Child", "--parent=Root"), (SECRET,))
    assert code == 0, shown
    assert "password of the parent in key backend 'default'" in shown


def test_the_password_of_a_file_to_import_is_asked_for(anchorhold: Command, tmp_path: Path) -> None:
    key, cert = foreign_ca(tmp_path, password=SECRET)
    code, shown = at_a_terminal(("import-ca", "Foreign", str(key), str(cert)), (SECRET,))
    assert code == 0, shown
    assert SECRET not in shown
    assert "Foreign" in anchorhold("list-cas").text


@pytest.mark.parametrize(
    ("key", "code"), [(INTERRUPT, 130), (END_OF_FILE, errors.SecretMissingError.exit_code)], ids=["Ctrl-C", "Ctrl-D"]
)
def test_leaving_a_prompt_makes_nothing_and_is_no_defect(
    key: str, code: int, anchorhold: Command, tmp_path: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", f"--password={SECRET}"))
    before = left_behind(tmp_path)
    found, shown = at_a_terminal(("init-ca", "Child", "CN=Child", "--parent=Root"), (key,))
    assert "Traceback" not in shown
    assert "defect" not in shown
    assert found == code, shown
    assert ("anchorhold: interrupted; " in shown) == (key == INTERRUPT), shown
    assert left_behind(tmp_path) == before
