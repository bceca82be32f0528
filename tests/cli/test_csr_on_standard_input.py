"""A CSR that no option names: handed in by a pipe, pasted at a terminal, or not there."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors
from cli.cli_steps import certificate, good, program, refused
from cli.cli_terminal import END_OF_FILE, at_a_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

SIGN = ("sign_cert", "--ca=Default", "--alt=example.com")


@pytest.fixture(name="ca")
def _ca(anchorhold: Command) -> Command:
    good(anchorhold("init_ca", "Default", "CN=Default"))
    return anchorhold


def test_standard_input_is_read_where_no_file_is_named(ca: Command, csr_file: Path) -> None:
    certificate(ca(*SIGN, stdin=csr_file.read_bytes()))


@pytest.mark.parametrize("stdin", [b"", b" \n\n"], ids=["nothing", "blank lines"])
def test_an_empty_input_gets_one_sentence(ca: Command, stdin: bytes) -> None:
    refused(ca(*SIGN, stdin=stdin), errors.InputError, "standard input: is empty", "--csr")


@pytest.mark.parametrize("how", [{"stdin": subprocess.DEVNULL}, {"preexec_fn": lambda: os.close(0)}])
@pytest.mark.usefixtures("ca")
def test_nothing_on_standard_input_waits_for_nobody(how: dict[str, Any]) -> None:
    result = program(*SIGN, **how)
    assert result.returncode == errors.InputError.exit_code
    assert result.stderr.startswith(b"anchorhold: standard input: is ")


def test_what_is_no_csr_is_said_to_come_from_there(ca: Command) -> None:
    refused(ca(*SIGN, stdin=b"hello"), errors.RequestInvalidError, "standard input: ")


@pytest.mark.usefixtures("ca")
def test_a_terminal_is_asked_and_the_end_line_is_the_end(csr_file: Path) -> None:
    code, shown = at_a_terminal(SIGN, (csr_file.read_text().rstrip("\n"),))
    assert code == 0, shown
    assert "BEGIN CERTIFICATE-----" in shown
    assert shown.index("Paste the certificate signing request") < shown.index("BEGIN CERTIFICATE REQUEST")


def test_after_the_csr_a_password_can_be_asked_for(anchorhold: Command, csr_file: Path) -> None:
    good(anchorhold("init_ca", "--password=mypassword", "Default", "CN=Default"))
    code, shown = at_a_terminal(SIGN, (csr_file.read_text().rstrip("\n"), "mypassword"))
    assert code == 0, shown
    assert "mypassword" not in shown


@pytest.mark.usefixtures("ca")
def test_leaving_the_question_empty_gets_the_same_sentence() -> None:
    code, shown = at_a_terminal(SIGN, (END_OF_FILE,))
    assert code == errors.InputError.exit_code, shown
    assert "standard input: is empty" in shown
