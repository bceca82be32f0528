"""An environment as its users have it: wheels built from this repository, installed, and nothing of the sources.

The dependencies are those of the environment that runs the tests, but only the ones that the wheels declare are
shown to the new one. So it is made offline, and a dependency that was forgotten in a ``pyproject.toml`` is missed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from email.message import Message

REPOSITORY = Path(__file__).parents[2]
PROJECTS = {
    "anchorhold": REPOSITORY / "core",
    "anchorhold_storages": REPOSITORY / "plugins" / "storages",
    "anchorhold_hsm": REPOSITORY / "plugins" / "hsm",
    "anchorhold_db": REPOSITORY / "plugins" / "db",
    "anchorhold_server": REPOSITORY / "plugins" / "server",
    "anchorhold_audit_log": REPOSITORY / "examples" / "audit-log",
    "anchorhold_aws_kms": REPOSITORY / "examples" / "aws-kms",
    "anchorhold_minimal": REPOSITORY / "examples" / "minimal-backend",
    "anchorhold_quorum": REPOSITORY / "examples" / "quorum-wrapper",
    "anchorhold_suffix_policy": REPOSITORY / "examples" / "suffix-policy",
    "anchorhold_vault_transit": REPOSITORY / "examples" / "vault-transit",
}
"""Package and folder of each distribution that becomes a wheel."""
TESTING = "pytest"
"""What the tests of a package need beside the wheels; shown only where `Downstream.testing` is asked for."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    exit_code: int
    data: str
    talk: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        assert self.exit_code == 0, self.talk
        return json.loads(self.data)


@dataclass(frozen=True)
class Downstream:
    """The environment.

    Attributes:
        folder: Of the virtual environment.
        wheels: By package.
    """

    folder: Path
    wheels: Mapping[str, Path]

    def anchorhold(self, *arguments: str | Path) -> Ended:
        """Run the installed command."""
        return _run(self.folder / "bin" / "anchorhold", *arguments)

    def python(self, *arguments: str | Path, path: Path | None = None) -> Ended:
        """Run the interpreter of the environment.

        Args:
            arguments: For it.
            path: A folder of further modules and distributions.
        """
        return _run(self.folder / "bin" / "python", *arguments, variables={"PYTHONPATH": str(path)} if path else {})

    @property
    def testing(self) -> Path:
        """A folder for `python` with what tests need."""
        return self.folder.parent / "testing"

    def program(self, name: str, *arguments: str | Path) -> Ended:
        """Run another command that was installed."""
        return _run(self.folder / "bin" / name, *arguments)

    def metadata(self, package: str) -> Message:
        """The metadata in a wheel (PyPA core metadata specification)."""
        return _metadata(self.wheels[package])


@pytest.fixture(scope="session")
def downstream(tmp_path_factory: pytest.TempPathFactory) -> Downstream:
    """Wheels of all projects in a clean environment, made once, also when several processes run the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "downstream"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder)
            (folder / "complete").touch()
    return Downstream(folder / "environment", _wheels(folder))


def _make(folder: Path) -> None:
    folder.mkdir()
    environment, python = folder / "environment", folder / "environment" / "bin" / "python"
    _succeed(sys.executable, "-m", "virtualenv", "--no-periodic-update", "--app-data", folder / "seed", environment)
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    here = (*pip, "--python", sys.executable)  # where hatchling is
    quick = ("--no-index", "--no-deps", "--no-build-isolation", "--check-build-dependencies")
    _succeed(*here, "wheel", *quick, "--wheel-dir", folder / "wheels", *PROJECTS.values())
    wheels = _wheels(folder).values()
    declared = [text for wheel in wheels for text in _metadata(wheel).get_all("Requires-Dist", [])]
    (site_packages,) = environment.glob("lib/python*/site-packages")
    _show(declared, folder / "dependencies")
    (site_packages / "dependencies.pth").write_text(f"{folder / 'dependencies'}\n")
    _show([TESTING], folder / "testing")
    _succeed(*pip, "install", "--no-index", *wheels)


def _wheels(folder: Path) -> dict[str, Path]:
    return {wheel.name.partition("-")[0]: wheel for wheel in (folder / "wheels").glob("*.whl")}


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def _show(declared: Iterable[str], folder: Path) -> None:
    """Link what is declared, and what that needs, and no other distribution, into a folder."""
    folder.mkdir()
    for distribution in _dependencies(declared):
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."} - {"__pycache__"}
        for top in tops:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))))


def _dependencies(declared: Iterable[str]) -> Iterator[metadata.Distribution]:
    """The distributions that are declared, and those that these need; ours are installed from their wheels."""
    installed = {package.replace("_", "-") for package in PROJECTS}
    waiting = [(Requirement(text), "") for text in declared]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if not needed or requirement.name in installed or (requirement.name, extra) in seen:
            continue
        seen.add((requirement.name, extra))
        distribution = metadata.distribution(requirement.name)
        yield distribution
        below = [Requirement(text) for text in distribution.requires or ()]
        waiting += [(needs, wanted) for needs in below for wanted in ("", *requirement.extras)]


def _run(*command: str | Path, variables: Mapping[str, str] | None = None) -> Ended:
    hidden = ("PYTHON", "VIRTUAL_ENV", "PIP_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    ended = subprocess.run(
        [*map(str, command)],
        env={**environment, "PIP_CONFIG_FILE": os.devnull, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def _succeed(*command: str | Path) -> None:
    ended = _run(*command)
    assert ended.exit_code == 0, f"{command}\n{ended.data}\n{ended.talk}"
