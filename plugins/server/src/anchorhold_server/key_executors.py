"""Threads for keys that may take time, so that nothing else waits for them.

Each alias has its own threads, and no key may take all of them: one that hangs blocks neither the ledger nor the
keys of another alias, and leaves threads for the other keys of its own alias.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary

from anchorhold.errors import AnchorholdError
from anchorhold_server.timeouts import OPERATION_TIMEOUT, OperationTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future

    from anchorhold_server.ledger_reader import KeyPasswords
    from anchorhold_server.responders import Responder

T = TypeVar("T")

logger = logging.getLogger(__name__)

KEYS_AT_ONCE: Final = 4
"""How many keys of an alias can have all their threads: one that hangs leaves threads for the others."""
SLICE: Final = 0.02
"""Seconds for which one job opens keys; the way to another thread takes half as long as opening one from a file."""
TIMED_OUT: Final = "its key does not answer in time"


@dataclass(slots=True)
class _Alias:
    size: int
    threads: ThreadPoolExecutor
    timed_out: int = 0


@dataclass(slots=True)
class _Key:
    size: int
    free: asyncio.Semaphore
    timed_out: int = 0


class _Opening:
    """A job that opens keys of one alias, one after the other.

    Args:
        first: Whose key is opened at least.
        rest: Those that follow, taken out for as long as `SLICE` is not over.
        passwords: Of their keys, by their rows.
    """

    def __init__(self, first: Responder, rest: deque[Responder], passwords: Mapping[int, KeyPasswords]) -> None:
        self._at = first
        self._rest = rest
        self._passwords = passwords

    def at(self) -> Responder:
        """The one whose key it is at."""
        return self._at

    def __call__(self) -> None:
        """Open them; each responder remembers why its key cannot be used."""
        end = time.monotonic() + SLICE
        while True:
            try:
                self._at.check(self._passwords.get(self._at.record.id))
            except AnchorholdError as error:
                logger.debug("key of a responder", exc_info=error)
            if time.monotonic() >= end or not self._rest:
                return
            self._at = self._rest.popleft()


class KeyExecutors:
    """Uses keys in threads. The event loop alone uses it, except for `is_timed_out`."""

    def __init__(self) -> None:
        self._aliases: dict[str, _Alias] = {}
        self._timeout = OperationTimeout()
        self._keys: WeakKeyDictionary[Responder, _Key] = WeakKeyDictionary()

    async def run(self, responder: Responder, function: Callable[[], T]) -> T:
        """Run a function that uses the key of a responder.

        Raises:
            TimeoutError: It takes too long and goes on alone; or it was not begun, because too much went on already.
        """
        return await self._run(responder, function, lambda: responder)

    async def _run(self, responder: Responder, function: Callable[[], T], at: Callable[[], Responder]) -> T:
        """The same for a function that uses several keys, one after the other.

        Args:
            responder: The first one whose key it uses.
            function: What is run.
            at: Tells whose key it is at.
        """
        alias, key = self._alias(responder), self._key(responder)
        if key.timed_out >= key.size or alias.timed_out >= alias.size:
            raise TimeoutError(TIMED_OUT)
        loop = asyncio.get_running_loop()
        end = loop.time() + (OPERATION_TIMEOUT if responder.is_open else self._timeout.seconds())
        async with asyncio.timeout_at(end):
            await key.free.acquire()
        job = alias.threads.submit(function)
        ended = asyncio.wrap_future(job)
        ended.add_done_callback(lambda ended: _release(key, ended))
        await asyncio.wait((ended,), timeout=end - loop.time())
        if not ended.done():
            _abandon(alias, self._key(at()), job, ended)
            raise TimeoutError(TIMED_OUT)
        return ended.result()

    async def open_all(self, responders: Iterable[Responder], passwords: Mapping[int, KeyPasswords]) -> None:
        """Open keys that are not open yet; each responder remembers why its key cannot be used.

        One after the other, for a key may take a tenth of a second of a processor; those that are left when it has
        taken long enough are opened the next time.

        Args:
            responders: Whose keys.
            passwords: Of their keys, by their rows; what is not there is read one by one.
        """
        end = time.monotonic() + OPERATION_TIMEOUT
        waiting: dict[str, deque[Responder]] = {}
        for responder in responders:
            if not (responder.is_open or self.is_timed_out(responder)):
                waiting.setdefault(responder.alias, deque()).append(responder)
        for rest in waiting.values():
            while rest and time.monotonic() < end:
                opening = _Opening(rest.popleft(), rest, passwords)
                try:
                    await self._run(opening.at(), opening, opening.at)
                except TimeoutError as error:
                    logger.debug("key of a responder", exc_info=error)

    def is_timed_out(self, responder: Responder) -> bool:
        """Whether something was given up that still goes on, with this key or in all threads of its alias."""
        alias, key = self._aliases.get(responder.alias), self._keys.get(responder)
        return (key is not None and key.timed_out > 0) or (alias is not None and alias.timed_out >= alias.size)

    def close(self, responder: Responder) -> None:
        """Close the key of a responder, without waiting for that."""
        self._alias(responder).threads.submit(responder.close)

    def _alias(self, responder: Responder) -> _Alias:
        name = responder.alias
        if name not in self._aliases:
            size = KEYS_AT_ONCE * responder.threads
            self._aliases[name] = _Alias(size, ThreadPoolExecutor(size, f"keys-{name}"))
        return self._aliases[name]

    def _key(self, responder: Responder) -> _Key:
        if responder not in self._keys:
            self._keys[responder] = _Key(responder.threads, asyncio.Semaphore(responder.threads))
        return self._keys[responder]


def _abandon(alias: _Alias, key: _Key, job: Future[T], ended: asyncio.Future[T]) -> None:
    """Count a job that goes on although no request waits for it any more; one that has not begun is cancelled."""
    if job.cancel():
        return
    alias.timed_out += 1
    key.timed_out += 1
    ended.add_done_callback(lambda _: _return(alias, key))


def _return(alias: _Alias, key: _Key) -> None:
    alias.timed_out -= 1
    key.timed_out -= 1


def _release(key: _Key, ended: asyncio.Future[T]) -> None:
    key.free.release()
    if not ended.cancelled():
        ended.exception()  # asyncio complains of one that nobody has looked at
