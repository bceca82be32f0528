"""The wheels are complete, and work with nothing beside them but what they declare."""

from __future__ import annotations

import stat
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from downstream.wheel_environment import PROJECTS, REPOSITORY
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from downstream.wheel_environment import Downstream

CLASSIFIERS = ("Typing :: Typed", *(f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)))


def version(package: str) -> str:
    """What its own project file says, or core's for plugins, which take theirs from it."""
    files = (PROJECTS[name] / "pyproject.toml" for name in (package, "anchorhold"))
    said = (tomllib.loads(file.read_text())["project"].get("version") for file in files)
    return next(str(found) for found in said if found)


every_wheel = pytest.mark.parametrize("package", PROJECTS)


@every_wheel
def test_metadata_says_what_it_is_and_what_it_needs(downstream: Downstream, package: str) -> None:
    found = downstream.metadata(package)
    assert found["Name"] == package.replace("_", "-")
    assert found["Version"] == version(package)
    assert "anchorhold" in found["Summary"] or package == "anchorhold"
    assert len(found["Summary"]) > 40
    assert found["License-Expression"] == "Apache-2.0"
    assert found["Requires-Python"] == ">=3.11"
    assert found["Author"]
    assert found["Keywords"]
    assert set(CLASSIFIERS) <= set(found.get_all("Classifier", []))


@every_wheel
def test_description_is_its_own_readme(downstream: Downstream, package: str) -> None:
    found = downstream.metadata(package)
    readme = (PROJECTS[package] / "README.md").read_text()
    assert found["Description-Content-Type"] == "text/markdown"
    assert found.get_payload(decode=True) == readme.encode()
    assert readme.startswith(f"# {found['Name']}\n")


@every_wheel
def test_wheel_holds_its_package_typed_and_licensed_and_nothing_else(downstream: Downstream, package: str) -> None:
    with zipfile.ZipFile(downstream.wheels[package]) as archive:
        names = set(archive.namelist())
        information = f"{package}-{version(package)}.dist-info"
        assert archive.read(f"{information}/licenses/LICENSE") == (REPOSITORY / "LICENSE").read_bytes()
    assert f"{package}/py.typed" in names
    assert {name.split("/")[0] for name in names} == {package, information}
    sources = PROJECTS[package] / "src"
    files = {path for path in sources.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in names if name.startswith(f"{package}/")} == {
        str(path.relative_to(sources)) for path in files
    }


def needs(downstream: Downstream, package: str, extra: str = "") -> set[str]:
    requirements = [Requirement(text) for text in downstream.metadata(package).get_all("Requires-Dist", [])]
    return {found.name for found in requirements if found.marker is None or found.marker.evaluate({"extra": extra})}


def test_core_needs_no_plugin_and_plugins_need_core(downstream: Downstream) -> None:
    assert not [name for name in needs(downstream, "anchorhold") if name.startswith("anchorhold")]
    assert "anchorhold-storages" in needs(downstream, "anchorhold", extra="storages")
    assert "anchorhold" in needs(downstream, "anchorhold_storages")
    assert "anchorhold" in needs(downstream, "anchorhold_suffix_policy")


def test_every_package_is_imported_from_its_wheel(downstream: Downstream) -> None:
    script = f"for name in {list(PROJECTS)!r}: print(__import__(name).__file__)"
    ended = downstream.python("-c", script)
    assert ended.exit_code == 0, ended.talk
    places = ended.data.splitlines()
    assert len(places) == len(PROJECTS)
    assert all(place.startswith(f"{downstream.folder}/lib/") and "/site-packages/" in place for place in places)


@pytest.mark.databases("sqlite", because="no more is installed than the wheels need")
@pytest.mark.usefixtures("database")
def test_quickstart_needs_only_the_wheels(downstream: Downstream, tmp_path: Path) -> None:
    ended = downstream.anchorhold("quickstart", "localhost")
    assert ended.exit_code == 0, ended.talk
    assert stat.S_IMODE((tmp_path / "localhost.key").stat().st_mode) == 0o600
    chain = ["-CAfile", "root.pem", "-untrusted", "issuing.pem", "localhost.pem"]
    assert openssl("verify", "-x509_strict", "-verify_hostname", "localhost", *chain) == "localhost.pem: OK\n"
