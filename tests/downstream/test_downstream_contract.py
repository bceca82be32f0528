"""The examples keep their contracts: their own tests, run where everything is from wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.testing import WRAPPER_RULES
from downstream.kept_contract import keep, shared
from examples.kms_places import CREDENTIALS
from examples.kms_stand_in import kms_stand_in
from examples.vault_stand_in import TOKEN, vault_stand_in

if TYPE_CHECKING:
    from pathlib import Path

    from downstream.wheel_environment import Downstream

pytestmark = [
    pytest.mark.databases(because="the contract opens ledgers of its own"),
    pytest.mark.slow(because="half of all rules in one process, many of which start processes"),
]
in_full = pytest.mark.only_in_full(
    because="the smallest backend keeps the contract here, and tests/examples tries this one"
)


@shared
def test_the_smallest_backend_keeps_the_contract(downstream: Downstream, tmp_path: Path, rules: list[str]) -> None:
    keep(downstream, tmp_path, "anchorhold_minimal", rules)


@in_full
@shared
def test_keys_in_aws_kms_keep_the_contract(
    downstream: Downstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: list[str]
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with kms_stand_in() as kms:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms.url)
        keep(downstream, tmp_path, "anchorhold_aws_kms", rules)


@in_full
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
