"""What the documentation of the hooks shows keeps the quick rules of the contract, when it is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from anchorhold.testing import RULES
from contract.faulting import install, pytest_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.databases(because="the run has a ledger of its own")

NOT_FOR_MEMORY: Final = {"errors.unreachable"}
"""Memory can always be reached."""


def test_the_examples_of_the_hooks_keep_the_contract(tmp_path: Path) -> None:
    install(tmp_path / "site", {"memory": "contract.hook_examples:InMemory"})
    told = tmp_path / "memory.toml"
    told.write_text('[options]\nplace = "here"\n[other]\nplace = "there"\n')
    rules = [rule.id for rule in RULES.values() if not rule.slow and rule.id not in NOT_FOR_MEMORY]
    arguments = ["--anchorhold-backend=memory", f"--anchorhold-options={told}"]
    chosen = [f"--anchorhold-rule={rule}" for rule in rules]
    ran = pytest_run(tmp_path / "run", tmp_path / "site", [*arguments, *chosen])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "memory: offers ocsp_store, find_key, import_key, export_key, delete_key" in ran.stdout
    assert "memory: declares no secrets, so there are none that the rules of secrets could try" in ran.stdout
