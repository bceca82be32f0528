"""Suggestions for a name that is not known."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str], otherwise: str = "known: {}") -> str:
    """The nearest known name, or all of them.

    Args:
        name: What was written.
        known: What there is.
        otherwise: Said when nothing is near; ``{}`` stands for the list.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise.format(", ".join(names) or "none")
