"""Runs the contract against faulty wrappers: ``python -m contract.wrapper_faulting`` prints what caught each."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from anchorhold.testing import WRAPPER_RULES
from anchorhold.testing.wrappers.contract import wrapper_tests
from contract.faulting import VARIABLE, Verdict, class_name, in_batches, pytest_run, rule_in, whole
from contract.wrapper_faults.wrapper_table import WRAPPER_FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

RIGHT: Final = "names"
"""The name of the wrapper with nothing wrong."""
BATCH: Final = 5
"""Faults that share a process."""


def install_wrappers(site: Path) -> None:
    """Make the right wrapper and all faulty ones installed for whoever has a folder on the path."""
    metadata = site / "contract_wrappers-1.0.dist-info"
    metadata.mkdir(parents=True)
    metadata.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: contract-wrappers\nVersion: 1.0\n")
    offers = {
        RIGHT: "contract.right_wrapper:RightWrapper",
        **{name: fault.backend for name, fault in WRAPPER_FAULTS.items()},
    }
    lines = "".join(f"{name} = {target}\n" for name, target in offers.items())
    metadata.joinpath("entry_points.txt").write_text(f"[anchorhold.wrappers]\n{lines}")


def rules_for(wrapper: str) -> frozenset[str]:
    """The rules that are tried: all for the right wrapper; for a faulty one the quick ones and the one meant for it."""
    if wrapper == RIGHT:
        return frozenset(WRAPPER_RULES)
    quick = frozenset(rule.id for rule in WRAPPER_RULES.values() if not rule.slow)
    return quick | {WRAPPER_FAULTS[wrapper].rule}


def judge_wrappers(wrappers: Sequence[str], folder: Path, site: Path) -> dict[str, Verdict]:
    """Run the contract against wrappers of `install_wrappers`; what it has found about each.

    Raises:
        RuntimeError: Pytest has not run; with all that it has said.
    """
    report = folder / "report.xml"
    arguments = [f"--junitxml={report}", "-q", str(Path(__file__).with_name("wrapper_contract_runs.py"))]
    ran = pytest_run(folder, site, arguments, **{VARIABLE: ",".join(wrappers)})
    if ran.returncode not in (0, 1):
        raise RuntimeError(ran.stdout + ran.stderr)
    rules = {test: rule.id for test, rule in wrapper_tests() if rule is not None}
    verdicts = {class_name(wrapper): Verdict() for wrapper in wrappers}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest has just written it
        verdict = verdicts[case.get("classname", "").rpartition(".")[2]]
        failures = [whole(found) for found in (*case.findall("failure"), *case.findall("error"))]
        for message in failures:
            verdict.broken[rule_in(message)] = message
        if not failures:
            verdict.kept.add(rules[case.get("name", "").partition("[")[0]])
    return {wrapper: verdicts[class_name(wrapper)] for wrapper in wrappers}


def main() -> None:
    """Print each fault and the rules that have caught it; end with 1 if one was not caught by its own."""
    missed = 0
    with tempfile.TemporaryDirectory() as place:
        install_wrappers(Path(place) / "site")
        for batch in in_batches(WRAPPER_FAULTS, BATCH):
            verdicts = judge_wrappers(batch, Path(place) / batch[0], Path(place) / "site")
            for name, verdict in verdicts.items():
                rule = WRAPPER_FAULTS[name].rule
                others = ", ".join(sorted(set(verdict.broken) - {rule}))
                caught = rule in verdict.broken
                missed += not caught
                print(f"{name:28} {'caught by' if caught else 'MISSED by'} {rule}  (and {others or 'no other'})")
    print(f"{len(WRAPPER_FAULTS)} faults, {len(WRAPPER_FAULTS) - missed} caught by the rule meant for them")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
