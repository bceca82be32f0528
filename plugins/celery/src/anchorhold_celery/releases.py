"""Which release the other host has, if another one: said in each error that a worker tells of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Final

_DISTRIBUTIONS: Final = ("anchorhold", "anchorhold-celery")
"""Their messages, tables and DER must be the same on both hosts."""
_VERSION: Final = re.compile(r"(?P<numbers>\d{1,6}(?:\.\d{1,6}){0,4})[0-9A-Za-z.+!-]{0,40}")
"""A version (PEP 440): its numbers, and what follows them."""


@cache
def releases() -> Mapping[str, str]:
    """The versions of this host's distributions, by name."""
    return {name: version(name) for name in _DISTRIBUTIONS}


def difference(theirs: object) -> str | None:
    """That the worker's host has another release than this one, and which of both to upgrade.

    Args:
        theirs: From `releases` there, as a message has it.

    Returns:
        None if it has the same, or has not said.
    """
    if not isinstance(theirs, Mapping):
        return None
    for name, ours in releases().items():
        there = theirs.get(name)
        if isinstance(there, str) and there != ours and (found := _VERSION.fullmatch(there)):
            return f"the worker's host has {name} {there}, {_compared(found['numbers'], ours)}"
    return None


def _compared(there: str, ours: str) -> str:
    mine = _VERSION.fullmatch(ours)
    numbers = [[int(part) for part in text.split(".")] for text in (there, mine["numbers"] if mine else there)]
    if numbers[0] == numbers[1]:
        return f"and this one {ours}: let both have the same"
    if numbers[0] > numbers[1]:
        return f"which is newer than {ours} here: upgrade this host"
    return f"which is older than {ours} here: upgrade the worker's host"
