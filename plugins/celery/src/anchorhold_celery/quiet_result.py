"""A result of Celery that is given up when its caller says so, and not when it is collected."""

from __future__ import annotations

from contextlib import suppress

from celery.result import AsyncResult


class QuietResult(AsyncResult):  # type: ignore[misc]
    """The same without a destructor.

    That of Celery connects again to a result backend that was closed, and a failure there appears on standard error.
    """

    def give_up(self) -> None:
        """Unsubscribe from the answer, whether it came or not."""
        with suppress(Exception):  # the result backend may be away
            self.backend.remove_pending_result(self)

    def __del__(self) -> None:
        """Do nothing; see `give_up`."""
