"""Our distributions as they are published: one version, the same facts in each, and no release before all is ready."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[1]
PLUGINS = ("celery", "db", "desk", "hsm", "server", "storages")
FOLDERS = ("core", *(f"plugins/{name}" for name in PLUGINS))
VERSION = tomllib.loads((REPOSITORY / "core" / "pyproject.toml").read_text())["project"]["version"]


def project(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((REPOSITORY / folder / "pyproject.toml").read_text())["project"]
    return found


def build(target: str, folder: Path, into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (archive,) = into.iterdir()
    return archive


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The sources of core's version and of the plugins, to be changed: no git, as in an archive of the repository."""
    copy = tmp_path / "copy"
    for folder in FOLDERS:
        shutil.copytree(REPOSITORY / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "tools", copy / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "changelog.d", copy / "changelog.d")
    shutil.copy(REPOSITORY / "CHANGELOG.md", copy)
    return copy


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_has_the_version_of_core_also_when_it_is_built_from_its_source_distribution(
    name: str, copied: Path, tmp_path: Path
) -> None:
    replace(copied / "core" / "pyproject.toml", f'version = "{VERSION}"', 'version = "0.1.7"')
    archive = build("sdist", copied / "plugins" / name, tmp_path / "sdist")
    assert archive.name == f"anchorhold_{name}-0.1.7.tar.gz"
    with tarfile.open(archive) as sources:
        sources.extractall(tmp_path / "alone", filter="data")
    wheel = build("wheel", tmp_path / "alone" / f"anchorhold_{name}-0.1.7", tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as contents:
        metadata = message_from_bytes(contents.read(f"anchorhold_{name}-0.1.7.dist-info/METADATA"))
    assert metadata["Version"] == "0.1.7"


@pytest.mark.parametrize("folder", FOLDERS[1:])
def test_a_plugin_works_with_the_present_core(folder: str) -> None:
    (core,) = [line for line in project(folder)["dependencies"] if Requirement(line).name == "anchorhold"]
    assert Requirement(core).specifier.contains(VERSION)


@pytest.mark.parametrize("fact", ["authors", "license", "requires-python", "urls"])
def test_each_distribution_says_the_same_of_the_project(fact: str) -> None:
    said = [project(folder)[fact] for folder in FOLDERS]
    assert said == said[:1] * len(said)


def test_the_same_sources_make_the_same_archives(tmp_path: Path) -> None:
    folder = REPOSITORY / "plugins" / "db"
    for target in ("sdist", "wheel"):
        first, second = (build(target, folder, tmp_path / target / turn) for turn in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_fragments_of_the_changelog_have_a_known_kind() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["towncrier"]
    kinds = "|".join(kind["directory"] for kind in settings["type"])
    names = {file.name for file in (REPOSITORY / settings["directory"]).iterdir()} - set(settings["ignore"])
    assert [name for name in names if not re.fullmatch(rf"(\d+|\+[a-z0-9-]+)\.({kinds})\.md", name)] == []


def check(folder: Path) -> tuple[int, list[str]]:
    command = [sys.executable, "tools/release.py", "check"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def ready(copied: Path) -> Path:
    """A repository of which a release can be made."""
    for folder in FOLDERS:
        set_url(copied, folder, "https://project.invalid")
    (copied / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION} - 2026-12-01\n\n- Everything.\n")
    for fragment in (copied / "changelog.d").glob("*.*.md"):
        fragment.unlink()
    git(copied, "init", "-q")
    commit(copied)
    return copied


def set_url(repository: Path, folder: str, url: str) -> None:
    file = repository / folder / "pyproject.toml"
    text = file.read_text()
    for known in project(folder)["urls"].values():
        text = text.replace(f'"{known}"', f'"{url}"')
    file.write_text(re.sub(r'"https://project\.invalid"', f'"{url}"', text))


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "All of it")
    git(folder, "tag", "--force", "-m", "Release", f"v{VERSION}")


def test_a_release_that_is_ready_has_no_obstacle(ready: Path) -> None:
    assert check(ready) == (0, [])


def test_a_release_waits_for_the_addresses_of_the_project(ready: Path) -> None:
    set_url(ready, "plugins/hsm", "https://project.example")
    commit(ready)
    code, (line,) = check(ready)
    assert code == 1
    labels = ", ".join(project("plugins/hsm")["urls"])
    assert line == f"not ready: plugins/hsm/pyproject.toml: has no addresses of the project; replace {labels}"


def test_a_release_waits_for_the_date_in_the_changelog(ready: Path) -> None:
    replace(ready / "CHANGELOG.md", "2026-12-01", "unreleased")
    commit(ready)
    code, lines = check(ready)
    assert code == 1
    assert [line.partition(": has ")[2].partition(";")[0] for line in lines] == [
        f"no section {VERSION} with a date",
        "a section that is marked unreleased",
    ]


def test_a_release_waits_for_fragments_to_be_in_the_changelog(ready: Path) -> None:
    (ready / "changelog.d" / "7.fixed.md").write_text("A thing works.\n")
    commit(ready)
    code, (line,) = check(ready)
    assert code == 1
    assert line.startswith("not ready: changelog.d/7.fixed.md: is not in CHANGELOG.md; ")


@pytest.mark.parametrize("change", ["edited", "no tag"])
def test_a_release_is_made_of_what_is_tagged(ready: Path, change: str) -> None:
    if change == "edited":
        replace(ready / "core" / "README.md", "# anchorhold", "# Anchorhold")
    else:
        git(ready, "tag", "--delete", f"v{VERSION}")
    code, (line,) = check(ready)
    assert code == 1
    assert line.startswith(f"not ready: git: the working tree is not that of the tag v{VERSION}; ")
