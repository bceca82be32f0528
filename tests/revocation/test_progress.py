"""Long work shows how far it is on a terminal, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.cli_steps import good
from cli.cli_terminal import at_a_terminal

if TYPE_CHECKING:
    from conftest import Command

MAKE = ("generate-crls", "Root")
DONE = "Generated 4 CRLs of Root"


@pytest.fixture
def _shards(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--hostname=ca.example.com", "--crl-shards=3"))


@pytest.mark.usefixtures("_shards")
def test_a_terminal_shows_how_many_lists_are_made() -> None:
    code, shown = at_a_terminal(MAKE, ())
    assert code == 0, shown
    assert "Root  [" in shown
    assert "100%" in shown
    assert DONE in shown.splitlines()[-1]


@pytest.mark.usefixtures("_shards")
def test_a_log_gets_the_result_alone(anchorhold: Command) -> None:
    outcome = anchorhold(*MAKE)
    assert outcome.talk.startswith(DONE)
    assert "%" not in outcome.talk


def test_a_single_list_needs_no_bar(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    code, shown = at_a_terminal(MAKE, ())
    assert code == 0, shown
    assert "%" not in shown
