"""The memory of refused secrets, which a backend asks before it shows one to something that counts wrong ones."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Protocol

from anchorhold.errors import SecretWrongError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from anchorhold.secret_sources import SecretSource


class RefusedSecrets(Protocol):
    """Remembers which secrets were refused, by where they came from; all processes of an installation share it.

    Tokens, smart cards and accounts lock after a few wrong tries, and several processes, or one that is started again,
    make several tries of one mistake. Nothing that is derived from a secret is remembered.
    """

    def presenting(
        self, place: str, source: SecretSource | None, subject: str
    ) -> AbstractContextManager[Callable[[], None]]:
        """Have a place to oneself while a secret is shown to it: ``with … as refused``.

        Call `refused` before raising, if the place has said that the secret is wrong; then this secret is not tried
        again. After any other error nothing is known about it. If the block ends without one, it was accepted. If the
        process ends within the block, the outcome is unknown, and the secret is not tried again either.

        Args:
            place: What counts wrong secrets, the same for all aliases that lead to it: a token and a kind of user.
            source: `Secret.source` of what is shown; None for a secret given interactively.
            subject: Names alias, place and secret in messages: ``key backend 'hsm', token 'x': the PIN of the user``.

        Raises:
            SecretWrongError: It was refused before, and has not been changed since.
            BusyError: Other processes were at it for too long.
            LedgerError: The memory cannot be asked, so nothing is shown.
        """


class ProcessRefusedSecrets:
    """A memory of this process alone, for a backend without an installation around it."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._refused: set[tuple[str, SecretSource]] = set()

    @contextmanager
    def presenting(self, place: str, source: SecretSource | None, subject: str) -> Iterator[Callable[[], None]]:
        """See `RefusedSecrets.presenting`."""
        with self._lock:
            if source is None:
                yield _nothing
                return
            if (place, source) in self._refused:
                raise SecretWrongError(
                    f"{subject} (from {source.name}) was refused earlier in this process",
                    hint="correct it, or restart the process if it is correct now",
                )
            yield lambda: self._refused.add((place, source))


def _nothing() -> None:
    """Nothing is remembered about a secret given interactively."""
