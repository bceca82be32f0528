"""Commits of several threads made one: what comes while another thread commits is committed with the next group."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from anchorhold.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager


class BeginTransaction(Protocol):
    """Begins a transaction of the calling thread."""

    def __call__(self, *, durable: bool) -> AbstractContextManager[None]:
        """Durable, or only ordered; see `anchorhold.ledger.Ledger.transaction`."""


def _held_lock() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class GroupCommits:
    """Puts the work of threads that come at the same time into one transaction.

    A thread that comes alone commits at once. While it commits, others gather, and the first of them commits for all of
    them. Each returns after the commit that holds its work. If one piece of work fails, each is done again in a
    separate transaction.

    Attributes:
        transaction: Begins a transaction.
    """

    transaction: BeginTransaction
    _process: int = field(default_factory=os.getpid)
    _lock: Lock = field(default_factory=Lock)
    _waiting: list[_Entry] = field(default_factory=list)
    _is_led: bool = False

    def run(self, work: Callable[[], None], *, durable: bool) -> None:
        """Do the work within a transaction, perhaps in another thread and more than once.

        Args:
            work: What to do; it changes nothing but the ledger.
            durable: Whether to return only after a synced commit.

        Raises:
            AnchorholdError: From the work, or the ledger refused.
        """
        if self._process != os.getpid():  # a thread of the parent may have held the lock
            self._process, self._lock, self._waiting, self._is_led = os.getpid(), Lock(), [], False
        entry = _Entry(work, durable)
        with self._lock:
            self._waiting.append(entry)
            is_first = not self._is_led
            self._is_led = True
        if not is_first:
            self._wait(entry)
        if not entry.is_done:
            self._lead(entry)
        if entry.error is not None:
            raise entry.error

    def _wait(self, entry: _Entry) -> None:
        """Until its work is done, or it has to lead; who is interrupted leaves nothing half done."""
        try:
            entry.turn.acquire()
        except BaseException:
            with self._lock:
                is_withdrawn = entry in self._waiting
                if is_withdrawn:
                    self._waiting.remove(entry)
                    if not entry.turn.locked():
                        self._pass_on()  # it was to lead
            if not is_withdrawn:
                entry.turn.acquire()  # another thread is committing it
            raise

    def _lead(self, own: _Entry) -> None:
        """Commit for all that are waiting."""
        with self._lock:
            group, self._waiting = self._waiting, []
        try:
            self._commit(group)
        except BaseException:
            for entry in group:
                entry.error = entry.error or LedgerError("ledger: the commit was interrupted", hint="repeat")
            raise
        finally:
            for entry in group:
                entry.is_done = True
                if entry is not own:
                    entry.turn.release()
            with self._lock:
                self._is_led = False
                if self._waiting:
                    self._pass_on()

    def _pass_on(self) -> None:
        """Let the first of those that wait lead, if there is one; the lock is held."""
        self._is_led = bool(self._waiting)
        for entry in self._waiting[:1]:
            entry.turn.release()

    def _commit(self, group: Sequence[_Entry]) -> None:
        try:
            with self.transaction(durable=any(entry.durable for entry in group)):
                for entry in group:
                    entry.work()
        except Exception as error:
            if len(group) == 1:
                group[0].error = error
                return
            for entry in group:
                self._commit([entry])


@dataclass(slots=True, eq=False)
class _Entry:
    """The work of one thread.

    Attributes:
        work: What to do.
        durable: Whether its commit is to be synced.
        turn: Released when its work is done, or when it has to lead.
        is_done: Whether its work was committed or has failed.
        error: Why it has failed.
    """

    work: Callable[[], None]
    durable: bool
    turn: Lock = field(default_factory=_held_lock)
    is_done: bool = False
    error: Exception | None = None
