"""Errors of single authorities while the others are processed: each printed once; the first sets the exit code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchorhold.cli.output import info
from anchorhold.cli.remedies import sentence
from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ErrorCollector:
    """Collects them during one run of a command."""

    def __init__(self) -> None:
        self._errors: list[AnchorholdError] = []

    @contextmanager
    def collecting(self, subject: str = "") -> Iterator[None]:
        """Record an error raised inside, so that the run continues."""
        try:
            yield
        except AnchorholdError as error:
            self.add(subject, error)

    def add(self, subject: str, error: AnchorholdError) -> None:
        """Record an error, prefixed with its subject unless the message names it."""
        if subject and repr(subject) not in error.problem:
            named = type(error)(f"{subject}: {error.problem}", hint=error.hint)
            named.remedy = error.remedy
            named.__cause__ = error
            error = named
        self._errors.append(error)

    def report(self) -> None:
        """Print all of them; the run continues."""
        for error in self._errors:
            info(f"{sentence(error)}.")

    def raise_first(self) -> None:
        """End the command.

        Raises:
            AnchorholdError: The first of them; the others are printed.
        """
        for error in self._errors[1:]:
            info(f"{sentence(error)}.")
        if self._errors:
            raise self._errors[0]
