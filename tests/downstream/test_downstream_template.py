"""What `new-backend` and `new-wrapper` write keeps its contract as it stands, with no sources of ours beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold.testing import RULES, WRAPPER_RULES

if TYPE_CHECKING:
    from downstream.wheel_environment import Downstream

pytestmark = [
    pytest.mark.databases(because="no ledger but those of the contract's own"),
    pytest.mark.slow(because="all rules in one process"),
]


def test_a_new_backend_keeps_the_whole_contract(downstream: Downstream, tmp_path: Path) -> None:
    """Takes minutes: it is the whole contract, and the promise to authors of backends."""
    keep_contract(downstream, tmp_path, "new-backend", "acme-kms", len(RULES))


def test_a_new_wrapper_keeps_the_whole_contract(downstream: Downstream, tmp_path: Path) -> None:
    keep_contract(downstream, tmp_path, "new-wrapper", "acme-policy", len(WRAPPER_RULES))


def keep_contract(downstream: Downstream, folder: Path, command: str, name: str, least: int) -> None:
    """Run the tests of a package that was written just now: all pass, none is left out, and there are enough."""
    made = folder / f"anchorhold-{name}"
    assert downstream.anchorhold(command, name, "--folder", made).exit_code == 0
    installed = _installed(made, folder)
    path = Path(os.pathsep.join([str(installed), str(downstream.testing)]))
    contract = downstream.python("-m", "pytest", "-q", "-p", "no:cacheprovider", made / "tests", path=path)
    assert contract.exit_code == 0, contract.data
    assert "failed" not in contract.data
    assert "skipped" not in contract.data
    assert int(contract.data.rsplit(" passed", 1)[0].rsplit(maxsplit=1)[-1]) >= least


def _installed(project: Path, folder: Path) -> Path:
    """Its wheel, unpacked into a folder for the interpreter."""
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation")
    subprocess.run([*pip, "--wheel-dir", str(folder), str(project)], check=True, timeout=60)
    (wheel,) = folder.glob("anchorhold_acme_*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"
