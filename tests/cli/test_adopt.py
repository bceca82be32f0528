"""``--adopt`` on the command line, where the backend has nothing to adopt; adopting itself is tested with tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import refused

if TYPE_CHECKING:
    from conftest import Command


def test_files_are_imported_not_adopted(anchorhold: Command) -> None:
    refused(anchorhold("init-ca", "Root", "CN=Root", "--adopt"), errors.OperationUnsupportedError, "import-ca")


@pytest.mark.parametrize("option", ["--key-type=RSA", "--key-size=2048", "--elliptic-curve=P-384"])
def test_the_kind_of_a_key_that_is_there_is_not_chosen(anchorhold: Command, option: str) -> None:
    refused(anchorhold("init-ca", "Root", "CN=Root", "--adopt", option), errors.InputError, "--adopt")


def test_options_for_new_keys_do_not_go_with_it(anchorhold: Command) -> None:
    refused(anchorhold("init-ca", "Root", "CN=Root", "--adopt", "--path=x"), errors.UnusedOptionError, "--path")


@pytest.mark.parametrize("more", [("b.pem",), ("--import-password=x",)])
def test_only_the_certificate_is_given(anchorhold: Command, more: tuple[str, ...]) -> None:
    refused(anchorhold("import-ca", "Root", "a.pem", "--adopt", *more), errors.InputError, "--adopt")
