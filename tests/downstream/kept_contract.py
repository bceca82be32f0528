"""Running an example's own tests of the contract in the environment of wheels."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold.testing import RULES
from downstream.wheel_environment import PROJECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from downstream.wheel_environment import Downstream

PARTS: Final = 2
"""Tests that share the rules, so that each is done soon."""
PARTS_OF_RULES: Final = [list(RULES)[part::PARTS] for part in range(PARTS)]
shared = pytest.mark.parametrize("rules", PARTS_OF_RULES, ids=range(PARTS))


def keep(downstream: Downstream, folder: Path, package: str, rules: Sequence[str], instead: Path | None = None) -> None:
    """Run an example's own tests of these rules: all pass, none is left out, and there is at least one for each.

    Args:
        downstream: The environment.
        folder: Of the test.
        package: Of the example.
        rules: Of the contract.
        instead: A folder with another version of the package, which is imported instead of the installed one.
    """
    path = Path(os.pathsep.join(str(each) for each in (instead, downstream.testing) if each is not None))
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    quiet = ("-q", "-p", "no:cacheprovider", "-c", str(folder / "pytest.ini"), "--rootdir", str(folder))
    wanted = [f"--anchorhold-rule={rule}" for rule in rules]
    ended = downstream.python("-m", "pytest", *quiet, *wanted, PROJECTS[package] / "tests", path=path)
    assert ended.exit_code == 0, ended.data + ended.talk
    passed = re.search(r"^(\d+) passed(, \d+ deselected)? in", ended.data, re.MULTILINE)
    assert passed is not None, ended.data
    assert int(passed[1]) >= len(rules)
