"""Closing signers that threads share: not before the last signature that is under way has ended."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import Signer


class SignerUses:
    """Counts the signatures under way. Threads may share it.

    Args:
        close: Closes a signer.
    """

    def __init__(self, close: Callable[[Signer], None]) -> None:
        self._close = close
        self._counting = Lock()
        self._uses: dict[int, int] = {}
        self._waiting: dict[int, Signer] = {}
        self._lent: Signer | None = None

    def lend(self, signer: Signer) -> None:
        """From now on threads may begin to use this signer, and no other."""
        with self._counting:
            self._lent = signer

    def begin(self, signer: Signer) -> bool:
        """A thread begins to use a signer; False if it was given back since the thread has got it."""
        with self._counting:
            if signer is not self._lent:
                return False
            self._uses[id(signer)] = self._uses.get(id(signer), 0) + 1
            return True

    def end(self, signer: Signer) -> None:
        """It has ended; the last one closes a signer that was given back meanwhile."""
        with self._counting:
            self._uses[id(signer)] -= 1
            if self._uses[id(signer)]:
                return
            del self._uses[id(signer)]
            given_back = self._waiting.pop(id(signer), None)
        if given_back is not None:
            self._close(given_back)

    def give_back(self, signer: Signer) -> None:
        """Close a signer, now or when the last thread that uses it has ended; no other thread begins to."""
        with self._counting:
            if signer is self._lent:
                self._lent = None
            if id(signer) in self._uses:
                self._waiting[id(signer)] = signer
                return
        self._close(signer)
