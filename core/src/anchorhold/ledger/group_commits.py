"""Commits of several threads made one: what comes while another thread commits is committed with the next group."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager


class BeginTransaction(Protocol):
    """Begins a transaction of the calling thread."""

    def __call__(self, *, durable: bool) -> AbstractContextManager[None]:
        """Durable, or only ordered; see `anchorhold.databases.ordered`."""


def _held_lock() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, weakref_slot=True, eq=False)
class GroupCommits:
    """Puts the work of threads that come at the same time into one transaction.

    A thread that comes alone commits at once. While it commits, others gather, and the first of them commits for all of
    them. Each returns after the commit that holds its work. If one piece of work fails, each is done again in a
    separate transaction. A thread that cannot be in a group takes turns with them.

    Attributes:
        transaction: Begins a transaction.
        turn: Held while a group is committed; for a transaction of one thread alone, too.
    """

    transaction: BeginTransaction
    turn: Lock = field(default_factory=Lock)
    _changing: Lock = field(default_factory=Lock)
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
        entry = _Entry(work, durable)
        with self._changing:
            self._waiting.append(entry)
            is_first = not self._is_led
            self._is_led = True
        if not is_first:
            entry.turn.acquire()
        if not entry.is_done:
            self._lead(entry)
        if entry.error is not None:
            raise entry.error

    def forget(self) -> None:
        """In a forked child: a thread of the parent may have held the locks."""
        self.turn, self._changing, self._waiting, self._is_led = Lock(), Lock(), [], False

    def _lead(self, own: _Entry) -> None:
        """Commit for all that are waiting by then."""
        with self.turn:
            with self._changing:
                group, self._waiting = self._waiting, []
            self._commit(group)
        with self._changing:
            self._is_led = bool(self._waiting)
            for successor in self._waiting[:1]:
                successor.turn.release()
        for entry in group:
            entry.is_done = True
            if entry is not own:
                entry.turn.release()

    def _commit(self, group: Sequence[_Entry]) -> None:
        """Commit a group; if the ledger itself fails, so does all of it, for it would keep each waiting again."""
        failing: _Entry | None = None
        try:
            with self.transaction(durable=any(entry.durable for entry in group)):
                for entry in group:
                    failing = entry
                    entry.work()
                failing = None
        except BaseException as error:
            if failing is None or len(group) == 1:
                for entry in group:
                    entry.error = error if len(group) == 1 else copy(error)
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
    error: BaseException | None = None


in_use: Final[WeakSet[GroupCommits]] = WeakSet()
"""Those that a forked child must not use as they are."""


def _after_fork() -> None:
    for group in list(in_use):
        group.forget()


os.register_at_fork(after_in_child=_after_fork)
