"""What `new-backend` writes keeps the contract as it stands, with nothing of the sources beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anchorhold.testing import RULES

if TYPE_CHECKING:
    from downstream.wheel_environment import Downstream

pytestmark = [
    pytest.mark.databases(because="no ledger but those of the contract's own"),
    pytest.mark.slow(because="all rules in one process"),
]


def test_a_new_backend_keeps_the_whole_contract(downstream: Downstream, tmp_path: Path) -> None:
    """Takes minutes: it is the whole contract, and the promise to authors of backends."""
    made = tmp_path / "anchorhold-acme-kms"
    assert downstream.anchorhold("new-backend", "acme-kms", "--folder", made).exit_code == 0
    installed = _installed(made, tmp_path)
    path = Path(os.pathsep.join([str(installed), str(downstream.testing)]))
    contract = downstream.python("-m", "pytest", "-q", "-p", "no:cacheprovider", made / "tests", path=path)
    assert contract.exit_code == 0, contract.data
    assert "failed" not in contract.data
    assert "skipped" not in contract.data
    assert int(contract.data.rsplit(" passed", 1)[0].rsplit(maxsplit=1)[-1]) >= len(RULES)


def _installed(project: Path, folder: Path) -> Path:
    """Its wheel, unpacked into a folder for the interpreter."""
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation")
    subprocess.run([*pip, "--wheel-dir", str(folder), str(project)], check=True, timeout=60)
    (wheel,) = folder.glob("anchorhold_acme_kms-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"
