"""The lint of wordings says what to replace, where, and with what, and leaves standard English alone."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

LINT: Final = Path(__file__).parents[1] / "tools" / "words.py"
WORDS: Final[dict[str, str]] = runpy.run_path(str(LINT))["WORDS"]

EXAMPLES: Final = (
    "The list is made anew.",
    "Whoever holds the key signs.",
    "Somebody is at work on it.",
    "Keys are used with nobody present.",
    "Padding: pss, or pkcs1v15 as at first.",
    "What OCSP says: unknown (at first), or good.",
    "Longest validity; at first as long as its own.",
    "InputError: As they say.",
    "It is overwritten without a word.",
    "It was revoked for good.",
    "Begin with whom it befell.",
    "Start a process of its own.",
    "ledger: is no folder",
    "choose another; known are: web, mail",
    "tell the author of the backend",
    "the file cannot be looked for",
    "let it finish, and repeat",
    "initialise it with the tool of its maker",
)
STANDARD: Final = (
    "If there is no file, it is created. It is no longer read.",
    "There must be a good reason, for good measure; none is needed.",
    "At first glance this repeats. The first list is read again.",
    "It has no key of its own. Everybody may read it; nobody may write.",
    "As RFC 5280 says, and as it says below, this is critical.",
    "Configured aliases are: default. Repeat the passphrase.",
)


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, LINT, root], capture_output=True, text=True, check=False)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_repository_is_clean() -> None:
    found = lint(LINT.parents[1])
    assert (found.stdout, found.stderr, found.returncode) == ("", "", 0)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_wording_that_is_replaced_is_found_with_what_to_write(tmp_path: Path, example: str) -> None:
    write(tmp_path / "README.md", f"# Title\n\n{example}\n")
    found = lint(tmp_path)
    assert found.returncode == 1
    better = [better for pattern, better in WORDS.items() if re.search(pattern, example, re.IGNORECASE)]
    (line,) = found.stdout.splitlines()
    assert line.startswith("README.md:3: ")
    assert better
    assert line.endswith(f"; write: {better[0]}")


def test_every_pattern_has_an_example() -> None:
    shown = {pattern for pattern in WORDS for example in EXAMPLES if re.search(pattern, example, re.IGNORECASE)}
    assert shown == set(WORDS)


@pytest.mark.parametrize("text", STANDARD)
def test_standard_english_passes(tmp_path: Path, text: str) -> None:
    write(tmp_path / "README.md", text)
    write(tmp_path / "core/src/module.py", f'"""{text}"""\n')
    assert lint(tmp_path).stdout == ""


def test_messages_and_docstrings_are_read_but_no_code(tmp_path: Path) -> None:
    source = '''"""A module.

Made anew.
"""

somebody = 1
error = ValueError(f"{somebody}: made "
                   "anew")


def read() -> None:
    """Read it.

    Raises:
        OSError: As it says.
    """
'''
    write(tmp_path / "plugins/hsm/src/module.py", source)
    lines = [line.split("; ")[0] for line in lint(tmp_path).stdout.splitlines()]
    assert lines == [
        "plugins/hsm/src/module.py:3: 'anew'",
        "plugins/hsm/src/module.py:7: 'anew'",
        "plugins/hsm/src/module.py:15: 'As it says.'",
    ]


def test_pages_are_read_but_neither_their_code_nor_code_spans(tmp_path: Path) -> None:
    write(tmp_path / "changelog.d/1.added.md", "Made `anew`.\n\n```console\n$ echo anew\n```\n\nMade\nanew.\n")
    assert lint(tmp_path).stdout == "changelog.d/1.added.md:8: 'anew'; write: again\n"


def test_a_wording_across_two_lines_is_found_where_it_begins(tmp_path: Path) -> None:
    write(tmp_path / "README.md", "It is lost\nwithout\na word.\n")
    assert lint(tmp_path).stdout == "README.md:2: 'without a word'; write: silently\n"
