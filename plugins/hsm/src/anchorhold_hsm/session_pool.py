"""Sessions in which keys are used: each lent to one thread at a time, never more than the limit."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from threading import Condition, Lock
from typing import TYPE_CHECKING, Final

from pkcs11.exceptions import SessionCount

from anchorhold.errors import BackendFailedError
from anchorhold_hsm.session import TokenSession, attribute_mapper

if TYPE_CHECKING:
    from pkcs11 import Token

    from anchorhold_hsm.token_state import TokenState

ACQUIRE_TIMEOUT: Final = 60.0
"""Seconds that a thread waits for a session."""

REUSE_AFTER: Final = 60.0
"""Seconds for which a token that had no session left is not asked for more than it had given then."""


class SessionPool:
    """The sessions of this process with one token.

    Args:
        owner: The token they belong to.
        token: As python-pkcs11 has it.
        limit: How many there may be at once.
        subject: Names the token in messages.
        timeout: Seconds to wait for one.
    """

    def __init__(
        self, owner: TokenState, token: Token, limit: int, subject: str, *, timeout: float = ACQUIRE_TIMEOUT
    ) -> None:
        self._owner = owner
        self._token = token
        self._limit = limit
        self._given: tuple[int, float] = limit, 0.0
        self._subject = subject
        self._patience = timeout
        self._mapper = attribute_mapper()
        self._idle: deque[TokenSession] = deque()
        self._count = 0
        self._waiting = 0
        self._lock = Lock()
        self._returned = Condition(self._lock)

    @property
    def busy(self) -> int:
        """How many are lent at this moment."""
        return self._count - len(self._idle)

    def limit(self, limit: int) -> None:
        """Lower the limit, if it is higher."""
        self._limit = min(self._limit, limit)

    def acquire(self, *, writing: bool) -> TokenSession:
        """A session for this thread alone.

        Args:
            writing: Whether objects of the token will be changed; such a session is a fresh one.

        Raises:
            BackendFailedError: All were in use for too long.
            PKCS11Error: The token gives none.
        """
        token_session = None if writing else self._pop()  # of a deque, which needs no lock
        while token_session is None:
            token_session = self._reserve(reuse=not writing)
            if token_session is not None:
                break
            try:
                session = self._token.open(rw=writing, attribute_mapper=self._mapper)
            except BaseException as error:
                self._unreserve()
                if isinstance(error, SessionCount) and self._count > 0:
                    self._given = self._count, time.monotonic() + REUSE_AFTER  # others may give some back later
                    continue
                raise
            token_session = TokenSession(self._owner, session, writing=writing)
        return token_session

    def release(self, token_session: TokenSession) -> None:
        """Take a session back for the next thread; one that can write is closed."""
        if token_session.writing:
            self.discard(token_session)
            return
        self._idle.append(token_session)
        if self._waiting:  # they say so before they look, so none is overlooked
            with self._lock:
                self._returned.notify()

    def discard(self, token_session: TokenSession) -> None:
        """Close a session that was lent: something went wrong in it, or it can write."""
        token_session.close()
        self._unreserve()

    def clear(self) -> None:
        """Close all sessions that nobody uses."""
        with suppress(IndexError):
            while True:
                self.discard(self._idle.pop())

    def _reserve(self, *, reuse: bool) -> TokenSession | None:
        """An idle session, or None: then one more may be opened."""
        with self._lock:
            self._waiting += 1
            try:
                while True:
                    idle = self._pop()
                    if idle is not None and reuse:
                        return idle
                    if idle is not None:
                        idle.close()  # in its place a new one can be opened
                        return None
                    if self._count < self._allowed():
                        self._count += 1
                        return None
                    self._wait()
            finally:
                self._waiting -= 1

    def _allowed(self) -> int:
        given, until = self._given
        return min(self._limit, given) if time.monotonic() < until else self._limit

    def _pop(self) -> TokenSession | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _wait(self) -> None:
        if not self._returned.wait(self._patience):
            raise BackendFailedError(
                f"{self._subject}: all {self._allowed()} sessions were in use for {self._patience:g} seconds",
                hint="set max_sessions higher, or find out why the token is so slow",
            )

    def _unreserve(self) -> None:
        with self._lock:
            self._count -= 1
            self._returned.notify()
