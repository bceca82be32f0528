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


def test_everything_is_called_by_the_name_that_was_given(anchorhold: Command, tmp_path: Path) -> None:
    assert "pip install -e 'anchorhold-acme-kms[test]'" in good(anchorhold("new-backend", "acme-kms")).talk
    made = tmp_path / "anchorhold-acme-kms"
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    assert project["name"] == "anchorhold-acme-kms"
    assert project["entry-points"]["anchorhold.backends"] == {"acme-kms": "anchorhold_acme_kms.backend:AcmeKmsBackend"}
    module = ast.parse((made / "src" / "anchorhold_acme_kms" / "backend.py").read_text())
    assert "AcmeKmsBackend" in {node.name for node in module.body if isinstance(node, ast.ClassDef)}
    for file in [found for found in made.rglob("*") if found.is_file()]:
        assert "example" not in file.read_text().lower()
        assert "example" not in file.name
    assert not [found for found in made.rglob("*") if found.name == "__pycache__"]


def test_a_folder_of_another_name(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("new-backend", "acme", "--folder=deep/inside"))
    assert (tmp_path / "deep" / "inside" / "src" / "anchorhold_acme" / "backend.py").exists()


@pytest.mark.parametrize("name", ["", "Acme", "acme_kms", "-acme", "acme-", "a b", "4ever", "acme--kms", "ácme"])
def test_a_name_that_is_none_makes_nothing(name: str, anchorhold: Command, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    outcome = anchorhold("new-backend", "--", name)
    refused(outcome, errors.InputError, "lower case")
    assert set(tmp_path.iterdir()) == before


def test_what_is_there_is_left_alone(anchorhold: Command, tmp_path: Path) -> None:
    mine = tmp_path / "anchorhold-acme"
    mine.mkdir()
    (mine / "mine.txt").write_text("mine")
    refused(anchorhold("new-backend", "acme"), errors.OutputError, "exists already")
    assert [path.name for path in mine.iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_one_line(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(anchorhold("new-backend", "acme", "--folder=file/acme"), errors.OutputError, "cannot be written")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".new", "anchorhold-"))) == []
