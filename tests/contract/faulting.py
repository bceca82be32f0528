"""Runs the contract against faulty backends: ``python -m contract.faulting`` prints each fault and what caught it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from anchorhold.testing import RULES
from anchorhold.testing.contract import contract_tests
from combinations import ALL
from contract.faults.table import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contract.faults.table import Fault

VARIABLE: Final = "CONTRACT_BACKENDS"
RIGHT: Final = "files"
"""The type of the backend with nothing wrong."""
WITHOUT_DELETE: Final = "without-delete"
"""The same without the hook that may be left out and that the contract would like to use itself."""
SEALED_TO_RECIPIENT: Final = "sealed-to-recipient"
"""The same with a password that is needed to use a key, and not to make one."""
BATCH: Final = 4 if ALL else 15
"""Faults that share a process."""
_NAMED: Final = re.compile(r"RuleBrokenError: ([a-z.-]+): ")
_HERE: Final = Path(__file__).parent


def in_batches(faults: Iterable[str], size: int = BATCH) -> list[list[str]]:
    """Faults by the process that tries them."""
    names = list(faults)
    return [names[start : start + size] for start in range(0, len(names), size)]


def one_for_each_rule(faults: Mapping[str, Fault]) -> list[str]:
    """The first fault that each rule is meant to catch."""
    first: dict[str, str] = {}
    for name, fault in faults.items():
        first.setdefault(fault.rule, name)
    return list(first.values())


def install(site: Path, offers: Mapping[str, str]) -> None:
    """Make backends installed for whoever has a folder on the path: nothing but their metadata.

    Args:
        site: The folder.
        offers: Where the class of each type is, as ``module:class``.
    """
    metadata = site / "contract_faults-1.0.dist-info"
    metadata.mkdir(parents=True)
    metadata.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: contract-faults\nVersion: 1.0\n")
    lines = "".join(f"{name} = {target}\n" for name, target in offers.items())
    metadata.joinpath("entry_points.txt").write_text(f"[anchorhold.backends]\n{lines}")


def install_all(site: Path) -> None:
    """The right backends and all faulty ones."""
    faulty = {name: fault.backend for name, fault in FAULTS.items()}
    right = {
        RIGHT: "contract.file_backend:FileBackend",
        WITHOUT_DELETE: "contract.file_backend:WithoutDelete",
        SEALED_TO_RECIPIENT: "contract.sealed_to_recipient:SealedToRecipient",
    }
    install(site, {**right, **faulty})


def pytest_run(
    folder: Path, site: Path, arguments: Sequence[str], **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, with the plugin and nothing else.

    Args:
        folder: For its files; its own root, so that no configuration of ours applies.
        site: From `install`.
        arguments: Of pytest.
        variables: Of the environment.
    """
    folder.mkdir(exist_ok=True)
    folder.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    paths = [str(site), *(path for path in sys.path if path)]
    alone = {"PYTHONPATH": os.pathsep.join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugin = ["-p", "anchorhold.testing.plugin", "-p", "no:cacheprovider", "--noconftest"]
    own = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder), "--basetemp", str(folder / "temporary")]
    command = [sys.executable, "-m", "pytest", *plugin, *own, *arguments]
    environment = {**os.environ, **alone, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)


def rules_for(backend: str) -> frozenset[str]:
    """The rules that are tried.

    All of them for a right backend. For a faulty one the rule meant for it and those that it cannot help breaking; when
    all combinations run, the other quick rules as well, which it must keep.
    """
    if backend not in FAULTS:
        return frozenset(RULES)
    fault = FAULTS[backend]
    others = {rule.id for rule in RULES.values() if not rule.slow} if ALL else ()
    return frozenset({fault.rule, *fault.also, *others})


def class_name(backend: str) -> str:
    """The class of tests for a backend."""
    return f"Test_{backend.replace('-', '_')}"


@dataclass
class Verdict:
    """What the contract has found.

    Attributes:
        kept: Rules of which a test has passed.
        broken: Rules of which a test has failed, each with a message.
        said: What the run says at its end.
    """

    kept: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def catches(self, fault: Fault) -> bool:
        """Whether the rule meant for a fault has failed, or has told of what is no breach of it."""
        return any(fault.shown in line for line in self.said) if fault.shown else fault.rule in self.broken


def judge(backends: Sequence[str], folder: Path, site: Path) -> dict[str, Verdict]:
    """Run the contract against backends of `install_all`; what it has found about each.

    Raises:
        RuntimeError: Pytest has not run; with all that it has said.
    """
    report = folder / "report.xml"
    arguments = [f"--junitxml={report}", "-q", str(_HERE / "faulty.py")]
    ran = pytest_run(folder, site, arguments, **{VARIABLE: ",".join(backends)})
    if ran.returncode not in (0, 1):
        raise RuntimeError(ran.stdout + ran.stderr)
    rules = {test: rule.id for test, rule in contract_tests() if rule is not None}
    verdicts: dict[str, Verdict] = defaultdict(Verdict)
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest has just written it
        verdict = verdicts[case.get("classname", "").rpartition(".")[2]]
        verdict.said += [found.get("value", "") for found in case.iter("property")]
        failures = [whole(found) for found in (*case.findall("failure"), *case.findall("error"))]
        for message in failures:
            verdict.broken[rule_in(message)] = message
        if not failures:
            verdict.kept.add(rules[case.get("name", "").partition("[")[0]])
    return {backend: verdicts[class_name(backend)] for backend in backends}


def whole(failure: ET.Element) -> str:
    """What pytest says of a failure, shortened and in full."""
    return f"{failure.get('message', '')}\n{failure.text or ''}"


def rule_in(message: str) -> str:
    """The rule that a failure names."""
    found = _NAMED.search(message)
    return found[1] if found is not None else "none"


def main() -> None:
    """Print each fault and the rules that have caught it; end with 1 if one was not caught by its own."""
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as pool:
        site = Path(place) / "site"
        install_all(site)
        verdicts = pool.map(lambda batch: judge(batch, Path(place) / batch[0], site), in_batches(FAULTS))
        missed = [name for batch in verdicts for name, verdict in batch.items() if not _told(name, verdict)]
    print(f"{len(FAULTS)} faults, {len(FAULTS) - len(missed)} caught by the rule meant for them")
    sys.exit(bool(missed))


def _told(name: str, verdict: Verdict) -> bool:
    """Print one line; whether the fault was caught by its rule."""
    fault = FAULTS[name]
    caught = verdict.catches(fault)
    others = sorted(set(verdict.broken) - {fault.rule})
    also = f"  (and {', '.join(others)})" if others else ""
    print(f"{name:28} {'caught by' if caught else 'MISSED by'} {fault.rule}{also}", flush=True)
    return caught


if __name__ == "__main__":
    main()
