"""A result of Celery that can be forgotten while the result backend is away."""

from __future__ import annotations

from contextlib import suppress

from celery.result import AsyncResult


class QuietResult(AsyncResult):  # type: ignore[misc]
    """The same, but a failure to unsubscribe does not appear on standard error as an exception that was ignored."""

    def __del__(self) -> None:
        with suppress(Exception):
            super().__del__()
