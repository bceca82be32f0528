"""Work of several threads made one: what comes while one thread works for a group is done with the next group."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

T = TypeVar("T")


class BeginTransaction(Protocol):
    """Begins a transaction of the calling thread."""

    def __call__(self, *, durable: bool) -> AbstractContextManager[None]:
        """Durable, or only ordered; see `anchorhold.databases.ordered`."""


def _held_lock() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class Entry(Generic[T]):
    """What one thread wants.

    Attributes:
        item: What is to be done.
        is_settled: Whether it is done, whatever becomes of the rest of its group.
        error: Why it has failed, or what has stopped its thread.
        turn: Released when it is done, or when its thread has to lead.
        is_done: Whether it was done or has failed.
    """

    item: T
    is_settled: bool = False
    error: BaseException | None = None
    turn: Lock = field(default_factory=_held_lock)
    is_done: bool = False


class LeaderLostError(Exception):
    """The thread that worked for others was stopped before it was done."""


@dataclass(slots=True, weakref_slot=True, eq=False, kw_only=True)
class Groups(ABC, Generic[T]):
    """Lets the first of the threads that come at the same time work for all of them.

    A thread that comes alone works at once. While it works, others gather, and the first of them works for all of
    them.

    Attributes:
        turn: Held while a group is worked for.
    """

    turn: Lock = field(default_factory=Lock)
    _changing: Lock = field(default_factory=Lock)
    _waiting: list[Entry[T]] = field(default_factory=list)
    _is_led: bool = False

    @abstractmethod
    def work_for(self, group: Sequence[Entry[T]]) -> None:
        """Do what all of them want, and set the error of each that fails alone.

        An `Exception` that it raises is the error of each that is not settled; anything else stops the leading thread
        alone, and those others have a `LeaderLostError`.
        """

    def run(self, item: T) -> None:
        """Have it done, perhaps by another thread.

        Raises:
            BaseException: Its error.
        """
        entry: Entry[T] = Entry(item)
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

    def _lead(self, own: Entry[T]) -> None:
        """Work for all that are waiting by then."""
        with self.turn:
            with self._changing:
                group, self._waiting = self._waiting, []
            try:
                self.work_for(group)
            except Exception as error:
                fail(group, error)
            except BaseException as error:  # which stops this thread alone
                own.error = error
                fail(group, LeaderLostError())
        with self._changing:
            self._is_led = bool(self._waiting)
            for successor in self._waiting[:1]:
                successor.turn.release()
        for entry in group:
            entry.is_done = True
            if entry is not own:
                entry.turn.release()


def fail(group: Sequence[Entry[T]], error: BaseException) -> None:
    """The error of each that is not settled and has none of its own: a copy, for each thread adds to it."""
    for entry in group:
        if not entry.is_settled and entry.error is None:
            entry.error = error if len(group) == 1 else _copy(error)


def _copy(error: BaseException) -> BaseException:
    try:
        return copy(error)
    except Exception:  # of a class whose arguments are not what it was made from
        return error


@dataclass(frozen=True, slots=True)
class _Work:
    """What one thread wants to commit, and whether that is to be synced."""

    do: Callable[[], None]
    durable: bool


@dataclass(slots=True, eq=False, kw_only=True)
class GroupCommits(Groups[_Work]):
    """Puts the work of threads that come at the same time into one transaction.

    Each returns after the commit that holds its work. If one piece of work fails, each is done again in a separate
    transaction. A thread that cannot be in a group holds `turn` meanwhile.

    Attributes:
        transaction: Begins a transaction.
    """

    transaction: BeginTransaction

    def commit(self, work: Callable[[], None], *, durable: bool) -> None:
        """Do the work within a transaction, perhaps in another thread and more than once.

        Args:
            work: What to do; it changes nothing but the ledger.
            durable: Whether to return only after a synced commit.

        Raises:
            AnchorholdError: From the work, or the ledger refused.
        """
        self.run(_Work(work, durable))

    def work_for(self, group: Sequence[Entry[_Work]]) -> None:
        """Commit a group; if the ledger itself fails, so does all of it, for it would keep each waiting again."""
        failing: Entry[_Work] | None = None
        try:
            with self.transaction(durable=any(entry.item.durable for entry in group)):
                for entry in group:
                    failing = entry
                    entry.item.do()
                failing = None
        except BaseException as error:
            if failing is None or len(group) == 1:
                fail(group, error)
                return
            for entry in group:
                self.work_for([entry])


in_use: Final[WeakSet[Groups[Any]]] = WeakSet()
"""Those that a forked child must not use as they are."""


def _after_fork() -> None:
    for groups in list(in_use):
        groups.forget()


os.register_at_fork(after_in_child=_after_fork)
