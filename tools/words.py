"""Wordings that house style replaces: `python tools/words.py [ROOT]` lists each with what to write instead.

Read are prose (pages, README, changelog fragments, without code blocks) and the strings and docstrings of shipped code.
Only patterns that are wrong with near certainty belong in the table.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]
PROSE: Final = ("docs/**/*.md", "README.md", "plugins/*/README.md", "changelog.d/*.md")
CODE: Final = ("core/src/**/*.py", "plugins/*/src/**/*.py")
ALLOWED: Final[Mapping[str, Sequence[str]]] = {}
"""Words that stay, by path: quotations and names of other projects."""

_PARTS: Final = "process(?:es)?|threads?|sessions?|connections?|transactions?|databases?|folders?|files?"
_KINDS: Final = "file|folder|path|text|integer|boolean|class|hook|base64|attribute|object identifier|list|number"
WORDS: Final[Mapping[str, str]] = {
    r"\banew\b": "again",
    r"\bwhoever\b": "the caller, the operator, anyone who",
    r"\bsomebody\b": "another process, an operator, someone",
    r"\b(?:with )?nobody (?:is )?present\b": "unattended",
    r"\bas at first\b|\(at first\)|[;,] at first (?:the|as|one|its)\b": "default",
    r"\bas (?:they|it) says?\.$": "when each error is raised",
    r"\bwithout a word\b": "silently",
    r"\bfor good(?=[.,;:)]|\s*\Z| and\b| (?:when|where|since|once)\b)": "permanently",
    r"\bbef[ae]ll(?:s|en)?\b": "happen to",
    rf"\b(?:{_PARTS}) of (?:its|their) own\b": "a separate …, its own …",
    rf"(?<!\bthere\s)\bis no (?:{_KINDS})\b": "is not a",
    r"\b(?:known|configured|installed|allowed) are:": "known:, configured:, installed:, allowed:",
    r"\btell (?:the|its|their) author\b": "report this to the author",
    r"\b(?:cannot|may not) be looked for\b": "cannot be accessed",
    r"(?:[;,]|\band) repeat\.?\s*\Z": "retry",
    r"\bwith the tool of its maker\b": "with the vendor's tool",
}
"""Patterns, each with what to write instead."""

_PATTERNS: Final = [
    (re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE | re.MULTILINE), better)
    for pattern, better in WORDS.items()
]
_FENCE: Final = re.compile(r"^(?P<indent> *)(?P<mark>```+|~~~+).*?^(?P=indent)(?P=mark) *$", re.DOTALL | re.MULTILINE)
_CODE_SPAN: Final = re.compile(r"``[^`]+``|`[^`\n]+`")


@dataclass(frozen=True, slots=True)
class Finding:
    """A wording to replace.

    Attributes:
        path: The file, below the repository.
        line: Its line.
        found: The words.
        better: What to write instead.
    """

    path: str
    line: int
    found: str
    better: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found!r}; write: {self.better}"


def findings(root: Path) -> Iterator[Finding]:
    """Everything to replace in a repository."""
    for patterns, texts in ((PROSE, prose), (CODE, strings)):
        for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
            name = path.relative_to(root)
            for line, text in texts(path.read_text("utf-8")):
                yield from check(text, name.as_posix(), line)


def check(text: str, path: str, line: int = 1) -> Iterator[Finding]:
    """What to replace in a text that begins at a line of a file."""
    for pattern, better in _PATTERNS:
        for match in pattern.finditer(text):
            if match[0] not in ALLOWED.get(path, ()):
                yield Finding(path, line + text.count("\n", 0, match.start()), " ".join(match[0].split()), better)


def prose(text: str) -> Iterator[tuple[int, str]]:
    """A page without its code, each line where it was."""
    yield 1, _CODE_SPAN.sub(_blank, _FENCE.sub(_blank, text))


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Strings and docstrings of a module, each with its line; an interpolated value reads ``{}``."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "x", match[0])


def main(root: Path) -> int:
    """Print what is found; 1 if anything is."""
    found = list(findings(root))
    for finding in found:
        print(finding)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
