"""Which modules of the server may touch what."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import anchorhold_server

pytestmark = pytest.mark.databases(because="source files are read")

MODULES = {file.stem: ast.parse(file.read_text()) for file in Path(anchorhold_server.__file__).parent.glob("*.py")}


def test_one_module_alone_reads_the_ledger() -> None:
    touching = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (node.attr == "_ledger" or ast.unparse(node).endswith("installation.ledger"))
    }
    assert touching == {"ledger_reader"}


def test_no_module_knows_the_database_library() -> None:
    imported = {
        module.partition(".")[0]
        for tree in MODULES.values()
        for node in ast.walk(tree)
        for module in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert "starlette" in imported
    assert not imported & {"peewee", "playhouse", "sqlite3", "psycopg"}
