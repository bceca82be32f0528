"""Threads in which keys are used that may take their time, so that nothing else waits for them.

Those of an alias are its own, and no key has all of them: one that hangs keeps neither the ledger waiting nor the keys
of another alias, and leaves threads for the other keys of its own.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary

from anchorhold_server.patience import PATIENCE, Patience

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from anchorhold_server.responders import Responder

T = TypeVar("T")

OF_ALIAS: Final = 16
"""Threads for all keys of an alias."""
OF_KEY: Final = 4
"""How many of them one key may have: a token on the network is waited for by several at once."""
LATE: Final = "its key does not answer in time"


@dataclass(slots=True)
class _Alias:
    threads: ThreadPoolExecutor
    late: int = 0


@dataclass(slots=True)
class _Key:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OF_KEY))
    late: int = 0


class KeyThreads:
    """Uses keys in threads. The event loop alone touches it, but for `is_late`."""

    def __init__(self) -> None:
        self._aliases: dict[str, _Alias] = {}
        self._patience = Patience()
        self._keys: WeakKeyDictionary[Responder, _Key] = WeakKeyDictionary()

    async def run(self, responder: Responder, function: Callable[[], T]) -> T:
        """Do something with the key of a responder.

        Raises:
            TimeoutError: It takes too long and goes on alone; or it was not begun, because too much went on already.
        """
        alias, key = self._alias(responder), self._key(responder)
        if key.late >= OF_KEY or alias.late >= OF_ALIAS:
            raise TimeoutError(LATE)
        loop = asyncio.get_running_loop()
        end = loop.time() + (PATIENCE if responder.is_open else self._patience.seconds())
        async with asyncio.timeout_at(end):
            await key.free.acquire()
        job = alias.threads.submit(function)
        ended = asyncio.wrap_future(job)
        ended.add_done_callback(lambda ended: _release(key, ended))
        await asyncio.wait((ended,), timeout=end - loop.time())
        if not ended.done():
            _give_up(alias, key, job, ended)
            raise TimeoutError(LATE)
        return ended.result()

    def is_late(self, responder: Responder) -> bool:
        """Whether something was given up that still goes on, with this key or in all threads of its alias."""
        alias, key = self._aliases.get(responder.alias), self._keys.get(responder)
        return (key is not None and key.late > 0) or (alias is not None and alias.late >= OF_ALIAS)

    def close(self, responder: Responder) -> None:
        """Give the key of a responder back, without waiting for it."""
        self._alias(responder).threads.submit(responder.close)

    def _alias(self, responder: Responder) -> _Alias:
        name = responder.alias
        if name not in self._aliases:
            self._aliases[name] = _Alias(ThreadPoolExecutor(OF_ALIAS, f"keys-{name}"))
        return self._aliases[name]

    def _key(self, responder: Responder) -> _Key:
        return self._keys.setdefault(responder, _Key())


def _give_up(alias: _Alias, key: _Key, job: Future[T], ended: asyncio.Future[T]) -> None:
    """Count what goes on although nobody waits for it any more; what has not begun never does."""
    if job.cancel():
        return
    alias.late += 1
    key.late += 1
    ended.add_done_callback(lambda _: _come_back(alias, key))


def _come_back(alias: _Alias, key: _Key) -> None:
    alias.late -= 1
    key.late -= 1


def _release(key: _Key, ended: asyncio.Future[T]) -> None:
    key.free.release()
    if not ended.cancelled():
        ended.exception()  # asyncio complains of one that nobody has looked at
