"""The examples are written as a third party would: with public names only, and as small as they say."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

import pytest

import anchorhold.plugin
from anchorhold import errors
from downstream.wheel_environment import PROJECTS, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES: Final = {name: place for name, place in PROJECTS.items() if place.parent == REPOSITORY / "examples"}
PUBLIC: Final = {
    "anchorhold": {"errors", "pkcs8", "plugin", "software_keys"},
    "anchorhold.errors": {"AnchorholdError", *(error.__name__ for error in errors.error_classes())},
    "anchorhold.public_keys": {"HASHES", "PublicKey", "check_strength", "digest_of", "spec_of", "spki"},
    "anchorhold.plugin": set(anchorhold.plugin.__all__),
}
"""Modules of core that authors import from, and their names."""


def imports(place: Path, package: str) -> Iterator[tuple[str, str]]:
    """All that the modules of an example import from core: module and name."""
    for path in (place / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((name.name, "") for name in node.names if name.name.startswith("anchorhold"))
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("anchorhold"):
                assert node.level == 0
                own = (node.module or "").split(".")[0] == package
                yield from ((str(node.module), name.name) for name in node.names if not own)


def test_every_example_in_the_folder_becomes_a_wheel() -> None:
    folders = {path.parent for path in (REPOSITORY / "examples").glob("*/pyproject.toml")}
    assert set(EXAMPLES.values()) == folders


@pytest.mark.parametrize("package", EXAMPLES)
def test_an_example_imports_public_names_of_core_and_no_plugin(package: str) -> None:
    found = list(imports(EXAMPLES[package], package))
    assert found
    assert [(module, name) for module, name in found if name not in PUBLIC.get(module, ())] == []


def test_the_smallest_backend_has_at_most_forty_lines() -> None:
    (path,) = (EXAMPLES["anchorhold_minimal"] / "src").rglob("*.py")
    source = path.read_text()
    spoken = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            spoken |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = [line.strip() for number, line in enumerate(source.splitlines(), 1) if number not in spoken]
    assert len([line for line in lines if line and not line.startswith("#")]) <= 40
