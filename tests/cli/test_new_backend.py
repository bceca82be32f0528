"""``new-backend``: a whole package under the name that was asked for, or nothing."""

from __future__ import annotations

import ast
import tomllib
from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from cli.cli_steps import good, refused

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases(because="new-backend opens no ledger")


@pytest.mark.parametrize(
    ("name", "module", "class_name"),
    [
        ("acme-kms", "anchorhold_acme_kms", "AcmeKmsBackend"),
        ("example", "anchorhold_example", "ExampleBackend"),
        ("my-example", "anchorhold_my_example", "MyExampleBackend"),
        ("anchorhold-example-2", "anchorhold_anchorhold_example_2", "AnchorholdExample2Backend"),
    ],
)
def test_everything_is_called_by_the_name_that_was_given(
    name: str, module: str, class_name: str, anchorhold: Command, tmp_path: Path
) -> None:
    assert f"pip install -e 'anchorhold-{name}[test]'" in good(anchorhold("new-backend", name)).talk
    made = tmp_path / f"anchorhold-{name}"
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"anchorhold-{name}"
    assert project["entry-points"]["anchorhold.backends"] == {name: f"{module}.backend:{class_name}"}
    backend = ast.parse((made / "src" / module / "backend.py").read_text())
    assert class_name in {node.name for node in backend.body if isinstance(node, ast.ClassDef)}


def test_nothing_of_the_template_is_left(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("new-backend", "acme-kms"))
    made = tmp_path / "anchorhold-acme-kms"
    for file in [found for found in made.rglob("*") if found.is_file()]:
        assert "example" not in file.read_text().lower()
        assert "example" not in file.name
    assert not [found for found in made.rglob("*") if found.name == "__pycache__"]


def test_a_folder_of_another_name(anchorhold: Command, tmp_path: Path) -> None:
    outcome = good(anchorhold("new-backend", "acme", "--folder=deep/in side"))
    assert (tmp_path / "deep" / "in side" / "src" / "anchorhold_acme" / "backend.py").exists()
    assert "pip install -e 'deep/in side[test]' && pytest 'deep/in side'" in outcome.talk.replace("\n", " ")


@pytest.mark.parametrize("name", ["", "Acme", "acme_kms", "-acme", "acme-", "a b", "4ever", "acme--kms", "ácme"])
def test_a_name_that_is_none_makes_nothing(name: str, anchorhold: Command, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    outcome = anchorhold("new-backend", "--", name)
    refused(outcome, errors.InputError, "lowercase")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["storages", "hsm", "db", "server"])
def test_a_name_of_ours_makes_nothing(name: str, anchorhold: Command, tmp_path: Path) -> None:
    refused(anchorhold("new-backend", name), errors.InputError, "is already used by")
    assert not (tmp_path / f"anchorhold-{name}").exists()


@pytest.mark.parametrize(
    ("name", "metadata", "entry_points"),
    [
        ("acme", "anchorhold-acme", ""),
        ("acme-kms", "anchorhold-acme.kms", ""),
        ("acme", "acme-keys", "[anchorhold.backends]\nacme = acme:Backend\n"),
    ],
)
def test_a_name_that_is_installed_makes_nothing(
    name: str, metadata: str, entry_points: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site" / f"{metadata.replace('-', '_')}-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {metadata}\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(entry_points)
    monkeypatch.syspath_prepend(tmp_path / "site")
    refused(anchorhold("new-backend", name), errors.InputError, f"name {name!r}: is already used by {metadata}")
    assert not (tmp_path / f"anchorhold-{name}").exists()


def test_what_is_there_is_left_alone(anchorhold: Command, tmp_path: Path) -> None:
    mine = tmp_path / "anchorhold-acme"
    mine.mkdir()
    (mine / "mine.txt").write_text("mine")
    refused(anchorhold("new-backend", "acme"), errors.OutputError, "already exists")
    assert [path.name for path in mine.iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_one_line(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(anchorhold("new-backend", "acme", "--folder=file/acme"), errors.OutputError, "cannot be written")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".new", "anchorhold-"))) == []
