"""``new-wrapper``: a whole package under the name that was asked for, or nothing."""

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

pytestmark = pytest.mark.databases(because="new-wrapper opens no ledger")


@pytest.mark.parametrize(
    ("name", "module", "class_name"),
    [
        ("acme-policy", "anchorhold_acme_policy", "AcmePolicyWrapper"),
        ("example", "anchorhold_example", "ExampleWrapper"),
    ],
)
def test_everything_of_a_wrapper_is_called_by_the_name_that_was_given(
    name: str, module: str, class_name: str, anchorhold: Command, tmp_path: Path
) -> None:
    assert f"pip install -e 'anchorhold-{name}[test]'" in good(anchorhold("new-wrapper", name)).talk
    made = tmp_path / f"anchorhold-{name}"
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"anchorhold-{name}"
    assert project["entry-points"] == {"anchorhold.wrappers": {name: f"{module}.wrapper:{class_name}"}}
    wrapper = ast.parse((made / "src" / module / "wrapper.py").read_text())
    assert class_name in {node.name for node in wrapper.body if isinstance(node, ast.ClassDef)}


def test_nothing_of_the_template_of_a_wrapper_is_left(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("new-wrapper", "acme-policy"))
    for file in [found for found in (tmp_path / "anchorhold-acme-policy").rglob("*") if found.is_file()]:
        assert "example" not in file.read_text().lower()
        assert "example" not in file.name


@pytest.mark.parametrize(("name", "taken_by"), [("acme", "acme-policies"), ("hsm", "anchorhold-hsm")])
def test_a_wrapper_gets_no_name_that_is_taken(
    name: str, taken_by: str, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site" / "acme_policies-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-policies\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[anchorhold.wrappers]\nacme = acme:Wrapper\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    refused(anchorhold("new-wrapper", name), errors.InputError, f"is already used by {taken_by}")
    assert not (tmp_path / f"anchorhold-{name}").exists()


def test_a_backend_and_a_wrapper_may_have_the_same_name(
    anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site" / "acme_keys-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-keys\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[anchorhold.backends]\nacme = acme:Backend\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    good(anchorhold("new-wrapper", "acme"))


@pytest.mark.parametrize("name", ["", "Acme", "acme_policy", "acme--policy"])
def test_a_name_that_is_none_makes_no_wrapper(name: str, anchorhold: Command, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    refused(anchorhold("new-wrapper", "--", name), errors.InputError, "lowercase")
    assert set(tmp_path.iterdir()) == before
