"""The contract catches what it is for: each seeded fault by the rule meant for it, and nothing where there is none."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from anchorhold.testing import RULES
from combinations import ALL
from contract.faulting import RIGHT, in_batches, install_all, judge, one_for_each_rule
from contract.faults import (
    at_rest,
    batches,
    ids,
    inventories,
    keys,
    manners,
    nonces,
    password_values,
    passwords,
    places,
    processes,
    signers,
    surroundings,
)
from contract.faults.table import FAULTS
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.databases(because="each run has a ledger of its own")

MODULES = (
    *(at_rest, batches, ids, inventories, keys, manners, nonces, password_values),
    *(passwords, places, processes, signers, surroundings),
)
SLOW_WITHOUT_A_FAULT = {"processes.at-once", "core.issues", "core.catches-lies"}
"""Slow rules that no fault is meant for: the first is no other than the rules of threads, the others are core's."""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder for the path, in which all backends of these tests are installed."""
    install_all(tmp_path / "site")
    return tmp_path / "site"


def test_a_backend_without_a_fault_keeps_every_rule(tmp_path: Path, site: Path) -> None:
    verdict = judge([RIGHT], tmp_path / "run", site)[RIGHT]
    assert verdict.broken == {}
    assert verdict.kept == set(RULES)


@pytest.mark.parametrize("batch", in_batches(FAULTS if ALL else one_for_each_rule(FAULTS)), ids=lambda batch: batch[0])
def test_each_fault_is_caught_by_the_rule_meant_for_it_and_by_no_other(
    batch: list[str], tmp_path: Path, site: Path
) -> None:
    for name, verdict in judge(batch, tmp_path / "run", site).items():
        fault = FAULTS[name]
        assert verdict.catches(fault), f"{name}: {verdict}"
        assert set(verdict.broken) == fault.breaks, f"{name}: {verdict.broken}"
        for rule, message in verdict.broken.items():
            assert f"{rule}: {RULES[rule].sentence}" in message
            assert f"The guide says: {RULES[rule].explanation.splitlines()[0]}" in message


def test_every_faulty_backend_is_in_the_table() -> None:
    classes = {
        f"{module.__name__}:{name}"
        for module in MODULES
        for name, found in vars(module).items()
        if inspect.isclass(found) and issubclass(found, FileBackend) and found.__module__ == module.__name__
        if not name.startswith("_")
    }
    assert classes | {"contract.faults.heavy:HeavyBackend"} == {fault.backend for fault in FAULTS.values()}
    assert len(FAULTS) >= 100


def test_every_other_rule_has_a_fault() -> None:
    assert set(RULES) - {fault.rule for fault in FAULTS.values()} == SLOW_WITHOUT_A_FAULT
