"""Warnings of plugins that fail when they are told something: one for each plugin, however much it was told at once."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

_COLLECTED: Final[ContextVar[dict[str, list[str]] | None]] = ContextVar("collected", default=None)
"""Reasons by what has failed, until they are told together."""


@contextmanager
def one_warning_each() -> Iterator[None]:
    """Around all that plugins are told of one commit: who fails each time is warned of once, with the number."""
    collected: dict[str, list[str]] = {}
    token = _COLLECTED.set(collected)
    try:
        yield
    finally:
        _COLLECTED.reset(token)
        for what, reasons in collected.items():
            _warn(what, reasons)


def warn_of_notice(what: str, reason: str) -> None:
    """Say that a plugin has failed when it was told something; what it was told of is done.

    Args:
        what: Which plugin and hook, as the beginning of a sentence.
        reason: Why.
    """
    collected = _COLLECTED.get()
    if collected is None:
        _warn(what, [reason])
    else:
        collected.setdefault(what, []).append(reason)


def _warn(what: str, reasons: list[str]) -> None:
    times = f" {len(reasons)} times, at first" if len(reasons) > 1 else ""
    logger.warning("%s%s (%s); what was done stays", what, times, reasons[0])
