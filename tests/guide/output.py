"""What a block of the guide prints, against what its page shows: compared, and written into the page."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from guide.blocks import Block

ELLIPSIS: Final = "[…]"
"""A line of a page that stands for any number of lines."""

_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_VARYING: Final = (
    (r"(?<=-----\n)(?:[A-Za-z0-9+/=]+\n)+(?=-----END)", "<base64>\n"),
    (r"\b(?:[0-9A-Fa-f]{2}:){7,}[0-9A-Fa-f]{2}\b", "<hex>"),
    (r"\b(?:0x)?[0-9A-Fa-f]{16,}\b", "<hex>"),
    (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00| UTC)?)?", "<date>"),
    (rf"\b(?:\w{{3}}, )?(?:{_MONTH} [ \d]?\d|\d\d {_MONTH} \d{{4}}) \d\d:\d\d:\d\d(?: \d{{4}})? ?(?:GMT)?", "<date>"),
    (r"\b\d\.\d+e\+09\b", "<timestamp>"),
    (r"\b\d+\.\d+ ?s\b", "<seconds>"),
    (r"\bslot \d+", "slot <number>"),
    (r"\b(anchorhold(?:-\w+)?) \d+\.\d+\.\d+\w*", r"\1 <version>"),
    (r"[ \t]+$", ""),
    (r"(?<=\S)[ \t]{2,}", " "),
)
"""Patterns of what differs from run to run, and what is compared in their place."""


def plain(output: str) -> str:
    """An output as a page shows it: no blanks at ends of lines, no empty lines around it."""
    lines = [line.rstrip() for line in output.splitlines()]
    return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""


def normalised(output: str) -> str:
    """An output without what differs from run to run: serial numbers, dates, durations, widths of columns."""
    for pattern, replacement in _VARYING:
        output = re.sub(pattern, replacement, output, flags=re.MULTILINE)
    return output


def agrees(shown: str, printed: str) -> bool:
    """Whether an output is what the page shows, apart from what differs from run to run."""
    parts = [re.escape(part) for part in re.split(rf"^{re.escape(ELLIPSIS)}\n", normalised(shown), flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*".join(parts), normalised(printed)) is not None


def differences(page: str, ran: Sequence[tuple[Block, str]]) -> str:
    """What a page shows that is not what its blocks have printed, as a diff; empty if there is nothing."""
    found: list[str] = []
    for block, printed in ran:
        shown, now = block.output or "", plain(printed)
        if not agrees(shown, now):
            old, new = normalised(shown).splitlines(), normalised(now).splitlines()
            where = f"{page}:{block.line}"
            found += difflib.unified_diff(old, new, f"{where} as shown", f"{where} as printed", lineterm="")
    return "\n".join(found)


def rewritten(text: str, ran: Sequence[tuple[Block, str]]) -> str:
    """A page with the outputs of its blocks; those that agree stay as they are."""
    for block, printed in reversed(ran):
        now = plain(printed)
        if not agrees(block.output or "", now):
            shown = f"\n```text\n{now}```\n" if now else ""
            text = text[: block.end] + shown + text[block.output_end :]
    return text
