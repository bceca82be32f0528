"""Blocks of a page of the guide: files, commands with their output, and what is shown without being run.

============================  ==========================================================================
a block                       what it is
============================  ==========================================================================
any kind with a title         a file of that name in the folder where the page runs
``bash``                      commands, without a prompt, so that they can be copied
``python``                    a program
``text`` right behind one     what it prints; a line ``[…]`` stands for any number of lines
``<!-- not run: reason -->``  the line before a block of commands that only a reader runs
============================  ==========================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN: Final = ("bash", "python")
"""Kinds of blocks that are run."""

_BLOCK: Final = re.compile(
    r"""
    (?:^<!--\ not\ run:\ (?P<reason>[^\n]+)\ -->\n)?
    ^```(?P<kind>\w+)(?:\ title="(?P<title>[^"\n]+)")?\n(?P<body>.*?)^```\n
    (?P<shown>\n```text\n(?P<output>.*?)^```\n)?
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        kind: The language behind the fence.
        title: Name of the file that it is, or empty.
        body: Its lines.
        reason: Why it is not run, or empty.
        output: What the page says that it prints, or None.
        line: Line of the page in which it begins, from 1.
        end: Offset in the page behind its closing fence.
        output_end: Offset behind that of its output; `end` if none is shown.
    """

    kind: str
    title: str
    body: str
    reason: str
    output: str | None
    line: int
    end: int
    output_end: int

    @property
    def is_run(self) -> bool:
        """Whether the test of its page runs it."""
        return self.kind in RUN and not self.title and not self.reason


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page, in order; outputs are parts of the blocks that print them."""
    for found in _BLOCK.finditer(page):
        shown = found.start("shown")
        runs = found["kind"] in RUN and not found["title"] and not found["reason"]
        yield Block(
            kind=found["kind"],
            title=found["title"] or "",
            body=found["body"],
            reason=found["reason"] or "",
            output=found["output"] if runs else None,
            line=page.count("\n", 0, found.start("kind")) + 1,
            end=shown if shown >= 0 else found.end(),
            output_end=found.end(),
        )
