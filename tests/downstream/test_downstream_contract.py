"""The examples keep their contracts: their own tests, run where everything is from wheels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold.testing import RULES, WRAPPER_RULES
from downstream.wheel_environment import PROJECTS
from examples.kms_places import CREDENTIALS
from examples.kms_stand_in import kms_stand_in
from examples.vault_stand_in import TOKEN, vault_stand_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from downstream.wheel_environment import Downstream

PARTS: Final = 2
"""Tests that share the rules, so that each is done soon."""

pytestmark = [
    pytest.mark.databases(because="the contract opens ledgers of its own"),
    pytest.mark.slow(because="half of all rules in one process, many of which start processes"),
]
shared = pytest.mark.parametrize("rules", [list(RULES)[part::PARTS] for part in range(PARTS)], ids=range(PARTS))


def keep(downstream: Downstream, folder: Path, package: str, rules: Sequence[str]) -> None:
    """Run an example's own tests of these rules: all pass, none is left out, and there is at least one for each."""
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    quiet = ("-q", "-p", "no:cacheprovider", "-c", str(folder / "pytest.ini"), "--rootdir", str(folder))
    wanted = [f"--anchorhold-rule={rule}" for rule in rules]
    ended = downstream.python("-m", "pytest", *quiet, *wanted, PROJECTS[package] / "tests", path=downstream.testing)
    assert ended.exit_code == 0, ended.data + ended.talk
    passed = re.search(r"^(\d+) passed(, \d+ deselected)? in", ended.data, re.MULTILINE)
    assert passed is not None, ended.data
    assert int(passed[1]) >= len(rules)


@shared
def test_the_smallest_backend_keeps_the_contract(downstream: Downstream, tmp_path: Path, rules: list[str]) -> None:
    keep(downstream, tmp_path, "anchorhold_minimal", rules)


@shared
def test_keys_in_aws_kms_keep_the_contract(
    downstream: Downstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: list[str]
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with kms_stand_in() as kms:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms.url)
        keep(downstream, tmp_path, "anchorhold_aws_kms", rules)


@shared
def test_keys_in_the_transit_engine_keep_the_contract(
    downstream: Downstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: list[str]
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with vault_stand_in() as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        keep(downstream, tmp_path, "anchorhold_vault_transit", rules)


def test_the_audit_log_keeps_the_contract_of_wrappers(downstream: Downstream, tmp_path: Path) -> None:
    keep(downstream, tmp_path, "anchorhold_audit_log", list(WRAPPER_RULES))
