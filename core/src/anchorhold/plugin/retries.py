"""Asking a busy backend again, as long as the caller waits."""

from __future__ import annotations

import random
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from anchorhold.errors import BackendBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE: Final = 30.0
"""Seconds for which a busy backend is asked again where the caller has set no deadline."""
SERVER_PATIENCE: Final = 1.0
"""The same for keys of OCSP responders: their clients are told to try later, and keep no thread waiting."""
_SHORTEST: Final = 0.01
"""Seconds between two attempts, also where a service says zero."""
_SLICE: Final = 0.1
"""Seconds after which a pause looks whether it is in vain."""

in_vain: ContextVar[Callable[[], bool]] = ContextVar("in_vain", default=lambda: False)
"""Tells whether what a thread asks for is of no use any more, because others have failed or were interrupted."""


def patience_end(begun: float, deadline: float | None, *, ocsp: bool) -> float:
    """Until when a busy backend is asked again, by `time.monotonic`.

    Args:
        begun: When it was asked first.
        deadline: Of the caller, if there is one.
        ocsp: Whether the key is that of an OCSP responder.
    """
    if ocsp:
        return begun + SERVER_PATIENCE
    return begun + PATIENCE if deadline is None else deadline


def retried(attempt: Callable[[], T], busy: BackendBusyError, end: float) -> T:
    """Do again what has found the backend busy, when that is worth trying.

    Args:
        attempt: It is begun again only if the backend did nothing.
        busy: What it has raised.
        end: From `patience_end`.

    Raises:
        BackendBusyError: It would still be busy at the end, or it is `in_vain` to wait.
    """
    while True:
        pause = max(busy.retry_after, _SHORTEST) * random.uniform(1.0, 1.5)  # noqa: S311  # threads come apart
        if time.monotonic() + pause >= end or not _paused(pause):
            raise busy
        try:
            return attempt()
        except BackendBusyError as error:
            busy = error


def _paused(seconds: float) -> bool:
    """Wait so long; False if that is in vain."""
    end, is_in_vain = time.monotonic() + seconds, in_vain.get()
    while not is_in_vain():
        left = end - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(left, _SLICE))
    return False
