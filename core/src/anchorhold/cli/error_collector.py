"""What goes wrong with some authorities while the others are served: said once; the first decides the exit code."""

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
        """Let what is done inside fail without keeping what comes after it from its turn."""
        try:
            yield
        except AnchorholdError as error:
            self.add(subject, error)

    def add(self, subject: str, error: AnchorholdError) -> None:
        """Remember an error; it begins with whom it befell, unless it says so itself."""
        if subject and repr(subject) not in error.problem:
            named = type(error)(f"{subject}: {error.problem}", hint=error.hint)
            named.remedy = error.remedy
            named.__cause__ = error
            error = named
        self._errors.append(error)

    def report(self) -> None:
        """Say all of them, where the run goes on."""
        for error in self._errors:
            info(f"{sentence(error)}.")

    def raise_first(self) -> None:
        """End the command.

        Raises:
            AnchorholdError: The first of them; the others are said.
        """
        for error in self._errors[1:]:
            info(f"{sentence(error)}.")
        if self._errors:
            raise self._errors[0]
