"""Aliases that have just taken long to fail: a command that uses one key after another waits once."""

from __future__ import annotations

import time
from contextlib import contextmanager
from copy import copy
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import BackendFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.plugin.requests import Role

SLOW: Final = 1.0
"""Seconds after which a failure counts as one that was waited for; one that comes at once costs nothing to repeat."""
LEFT_ALONE: Final = 60.0
"""Seconds for which an alias is not asked again."""


class UnresponsiveAliases:
    """Remembers them. Threads share it."""

    def __init__(self) -> None:
        self._failed: dict[tuple[Role, str], tuple[float, BackendFailedError]] = {}
        self._changing = Lock()

    @contextmanager
    def asking(self, role: Role, alias: str) -> Iterator[None]:
        """Around a call of an alias.

        Raises:
            BackendFailedError: The one that it has failed with, at once, if it was waited for a short time ago.
        """
        with self._changing:
            until, error = self._failed.get((role, alias), (0.0, None))
        begun = time.monotonic()
        if error is not None and begun < until:
            raise copy(error)
        try:
            yield
        except BackendFailedError as failed:
            ended = time.monotonic()
            if ended - begun >= SLOW:
                with self._changing:
                    self._failed[role, alias] = ended + LEFT_ALONE, failed
            raise
