"""Base of the services that remote keys are in: one client for each process, and errors in words."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from anchorhold.errors import AnchorholdError, BackendFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

C = TypeVar("C")
"""The client of the library that speaks to the service."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failure of a service means: a line in a table of its error codes.

    Attributes:
        kind: The error that is raised.
        problem: What is wrong; may name facts in braces, such as ``{key}``.
        hint: What to do; the same.
    """

    kind: type[AnchorholdError]
    problem: str
    hint: str

    def error(self, subject: str, **facts: str) -> AnchorholdError:
        """The error to raise.

        Args:
            subject: What failed: a backend or a key.
            facts: For the braces in `problem` and `hint`.
        """
        return self.kind(f"{subject}: {self.problem.format_map(facts)}", hint=self.hint.format_map(facts))


class RemoteService(ABC, Generic[C]):
    """One service as one alias reaches it.

    A subclass implements `open_client` and `translate`, and makes its requests inside ``with self.client() as …``.
    Threads share the client; a forked child gets its own, because connections must not be shared with a parent. A
    backend whose client is to be closed calls `close` in the hook ``close_backend``.

    Args:
        subject: The backend in messages: ``key backend 'kms'``.

    Attributes:
        shows_cause: Whether errors of the library are attached to ours. Set it to False if they hold a secret, such as
            a request with its token: ``--debug`` prints causes.
    """

    shows_cause: ClassVar[bool] = True

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self._opened: tuple[int, C] | None = None

    @abstractmethod
    def open_client(self) -> C:
        """A new client; nothing is cached by the caller but the client itself.

        Raises:
            AnchorholdError: The settings do not allow it.
        """

    @abstractmethod
    def translate(self, error: Exception, subject: str, facts: dict[str, str]) -> AnchorholdError | None:
        """The error for what the library has raised, best from a table of `Failure`; None for what it does not know.

        Args:
            error: Anything but an `AnchorholdError`.
            subject: What the request was about.
            facts: As given to `client`.
        """

    @contextmanager
    def client(self, subject: str | None = None, **facts: str) -> Iterator[C]:
        """The client of this process, with errors translated.

        Args:
            subject: What the request is about, if that is more than the service.
            facts: For the hints, such as the id of the key.

        Raises:
            BackendFailedError: `translate` does not know what the library has raised.
            AnchorholdError: From `translate`.
        """
        try:
            yield self._client()
        except AnchorholdError:
            raise
        except Exception as error:
            translated = self.translate(error, subject or self.subject, facts)
            if translated is None:
                problem = f"{subject or self.subject}: the request failed ({type(error).__name__})"
                translated = BackendFailedError(problem, hint="report this to the author of the backend")
            raise translated from (error if self.shows_cause else None)

    def close(self) -> None:
        """Close the client of this process, if it has one; a later request opens another."""
        opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            self.close_client(opened[1])

    def close_client(self, client: C) -> None:
        """Close a client: by its method ``close``, if it has one.

        Args:
            client: From `open_client`.
        """
        closing = getattr(client, "close", None)
        if callable(closing):
            closing()

    def _client(self) -> C:
        """Without a lock, which a fork could leave locked; at worst two threads open one each, and one is forgotten."""
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            opened = self._opened = os.getpid(), self.open_client()
        return opened[1]
