"""Another release of anchorhold: a copy of the packages with another version, and with what that release changes."""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = {"anchorhold": "anchorhold", "anchorhold-celery": "anchorhold_celery"}
"""Packages by the names of their distributions."""


def other_release(
    folder: Path,
    version: str,
    changes: Mapping[str, tuple[str, str]] | None = None,
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Make a release whose processes are separate programs.

    Args:
        folder: Where to; it must not be there.
        version: Of both distributions.
        changes: What is replaced in a module by what, by its path; each must be there once.
        more: Modules that are added, by their paths.

    Returns:
        The variables with which a process is of that release.
    """
    for name, package in PACKAGES.items():
        found = find_spec(package)
        assert found is not None
        assert found.origin is not None
        shutil.copytree(Path(found.origin).parent, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        told = folder / f"{package}-{version}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (told / "entry_points.txt").write_text(distribution(name).read_text("entry_points.txt") or "")
    for path, (old, new) in (changes or {}).items():
        text = (folder / path).read_text()
        assert text.count(old) == 1, f"{path} has changed"
        (folder / path).write_text(text.replace(old, new))
    for path, text in (more or {}).items():
        (folder / path).write_text(text)
    return {"PYTHONPATH": str(folder)}
