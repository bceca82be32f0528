"""Messages outside the command line speak to everybody: they name no command of a shell and no option of one."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from anchorhold.cli.command_table import COMMANDS
from anchorhold.cli.remedies import command_of
from anchorhold.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = ("core/src", *(f"plugins/{name}/src" for name in ("storages", "hsm", "db", "server")))
CORE: Final = ROOT / "core/src/anchorhold"
EXEMPT: Final = (CORE / "cli", CORE / "testing", CORE / "settings/sample_file.py")
"""The command line, the options of pytest, and the comments of a settings file."""

_SHELL: Final = re.compile(
    r"`anchorhold\b|(?<![\w-])--[a-z]|\bpip install\b|\b(" + "|".join(name for name in COMMANDS if "-" in name) + r")\b"
)


def modules() -> list[Path]:
    """Those whose messages anybody may read; one that imports typer is the command line of its distribution."""
    found = [path for source in SOURCES for path in sorted((ROOT / source).rglob("*.py"))]
    return [
        path
        for path in found
        if not any(path.is_relative_to(exempt) for exempt in EXEMPT) and "import typer" not in path.read_text("utf-8")
    ]


def shell_words(source: str) -> list[str]:
    """Texts in a module that name a command or an option; docstrings and single words are no messages."""
    tree = ast.parse(source)
    silent = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr)
        for part in ast.walk(node.value)
    }
    silent |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [text for node in ast.walk(tree) if id(node) not in silent and (text := _text(node)) is not None]
    return [text for text in texts if " " in text and _SHELL.search(text)]


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "{}" for part in node.values)
    return None


def remedies(source: str) -> Iterator[tuple[str, list[str]]]:
    """The operations of remedies in a module, with the names of their arguments, where they are written there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Remedy":
            operation, *arguments = node.args
            assert isinstance(operation, ast.Constant), ast.unparse(node)
            keys = [
                key for part in arguments for each in ast.walk(part) if isinstance(each, ast.Dict) for key in each.keys
            ]
            yield str(operation.value), [str(key.value) for key in keys if isinstance(key, ast.Constant)]


def test_no_message_outside_the_command_line_names_a_command_or_an_option() -> None:
    found = {str(path.relative_to(ROOT)): shell_words(path.read_text("utf-8")) for path in modules()}
    assert len(found) > 150
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    "source",
    [
        'raise KeyMissingError("key: is gone", hint="run `anchorhold recover`")',
        'raise KeyMissingError(f"key {name}: is gone", hint=f"abandon {name} with --forget-key")',
        'raise UnknownCertificateError("certificate: is not known", hint="look it up with list-certs")',
        'TABLE = {"NoModule": ("is not there", "pip install it")}',
        'hint = f"`anchorhold edit-ca {name}`"',
    ],
)
def test_a_command_in_a_message_is_found(source: str) -> None:
    assert len(shell_words(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""Used by `anchorhold recover --finish`."""',
        'taken = ["--help"]',
        'raise KeyMissingError("key: is gone", hint="abandon the authority")',
        'flag = f"--{prefix} {name}"',
    ],
)
def test_what_is_no_command_in_a_message_is_not_found(source: str) -> None:
    assert shell_words(source) == []


def test_nothing_is_exempt_that_needs_no_exemption() -> None:
    for exempt in EXEMPT:
        paths = sorted(exempt.rglob("*.py")) if exempt.is_dir() else [exempt]
        assert any(shell_words(path.read_text("utf-8")) for path in paths), exempt


def test_the_command_line_has_a_command_for_every_remedy() -> None:
    found = [remedy for path in modules() for remedy in remedies(path.read_text("utf-8"))]
    assert len(found) > 25
    for operation, names in found:
        assert command_of(Remedy(operation, dict.fromkeys(names, "x"))) is not None, operation
