"""Asking a busy backend again, as long as the caller waits."""

from __future__ import annotations

import random
import time
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


def patience_end(deadline: float | None, *, ocsp: bool) -> float:
    """Until when a busy backend is asked again, by `time.monotonic`.

    Args:
        deadline: Of the caller, if there is one.
        ocsp: Whether the key is that of an OCSP responder.
    """
    if ocsp:
        return time.monotonic() + SERVER_PATIENCE
    return time.monotonic() + PATIENCE if deadline is None else deadline


def retried(attempt: Callable[[], T], end: float) -> T:
    """Do what may find the backend busy, and do it again when that is worth trying.

    Args:
        attempt: It is begun again only if the backend did nothing.
        end: From `patience_end`.

    Raises:
        BackendBusyError: It would still be busy at the end.
    """
    while True:
        try:
            return attempt()
        except BackendBusyError as error:
            pause = max(error.retry_after, _SHORTEST) * random.uniform(1.0, 1.5)  # noqa: S311  # threads come apart
            if time.monotonic() + pause >= end:
                raise
        time.sleep(pause)
