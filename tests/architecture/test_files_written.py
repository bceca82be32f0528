"""Commands write files through one module, which harms nothing that exists."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

from anchorhold import cli

_WRITING: Final = {
    *("write_text", "write_bytes", "mkdir", "makedirs", "rename", "renames", "touch", "symlink_to", "hardlink_to"),
    *("copytree", "copyfile", "copy", "copy2", "move", "NamedTemporaryFile", "TemporaryDirectory", "mkdtemp"),
}
"""Names of functions that make files or folders."""


def _is_of_keys(called: ast.expr) -> bool:
    """Whether it is an operation of the service that moves keys, not files."""
    return isinstance(called, ast.Attribute) and getattr(called.value, "attr", "") == "keys"


def test_no_command_writes_a_file_by_itself() -> None:
    folder = Path(cli.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name == "destination.py":
            continue
        called = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {getattr(each, "attr", getattr(each, "id", "")) for each in called if not _is_of_keys(each)}
        assert not names & _WRITING, f"{path.name}: leave it to destination.py"
