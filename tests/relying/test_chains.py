"""Chains of every kind are accepted and refused by the programs that the page names, and by no others."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from relying.artefacts import CONSTRAINTS, KINDS, make_chain
from relying.documented import refusals
from relying.report import compare
from relying.validators import VALIDATORS, Validator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.databases(because="each chain is made in an installation of its own"),
    pytest.mark.slow(because="other programs start for each chain"),
]
GIVEN = [*((kind, "") for kind in KINDS), *(("EC P-256", constraints) for constraints in CONSTRAINTS)]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, str]], Path]:
    """The folder of a chain by key and constraints, made when it is first asked for."""
    return cache(lambda given: make_chain(tmp_path_factory.mktemp("chain"), *given))


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: ", ".join(filter(None, given)))
@pytest.mark.parametrize("validator", VALIDATORS, ids=lambda validator: validator.name)
def test_a_chain_is_refused_by_the_programs_that_the_page_names(
    validator: Validator, given: tuple[str, str], chain: Callable[[tuple[str, str]], Path]
) -> None:
    kind, constraints = given
    table = refusals("Name constraints" if constraints else "Keys and signatures")
    compare(validator, constraints or kind, table, lambda: validator.check(chain(given)))


@pytest.mark.parametrize(("heading", "known"), [("Keys and signatures", KINDS), ("Name constraints", CONSTRAINTS)])
def test_each_row_of_the_page_is_about_something_that_is_tried(heading: str, known: dict[str, object]) -> None:
    assert {row.what for row in refusals(heading)} <= set(known)
