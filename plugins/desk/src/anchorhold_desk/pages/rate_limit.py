"""A limit on what one address may try, beside the lock of accounts. It is in memory: each process counts for itself."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS: Final = 20
WINDOW: Final = 300
"""So many attempts in so many seconds are allowed."""
KNOWN: Final = 10_000
"""Addresses that are remembered; the one that was quiet longest is forgotten first."""
IPV6_PREFIX: Final = 64
"""Bits of an IPv6 address that count, for the others are the client's to choose."""


class TooManyAttemptsError(AnchorholdError):
    """An address has tried too often."""

    code = "too-many-attempts"

    def __init__(self, seconds: int) -> None:
        super().__init__("log-in: there were too many attempts from this address", hint=f"wait {seconds} seconds")
        self.retry_after = seconds


class RateLimit:
    """Counts attempts by address. Threads may share it.

    Args:
        attempts: So many are allowed.
        window: In so many seconds.
        clock: Tells the time, in seconds.
    """

    def __init__(
        self, attempts: int = ATTEMPTS, window: float = WINDOW, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._attempts = attempts
        self._window = window
        self._clock = clock
        self._lock = Lock()
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, origin: str) -> None:
        """Count an attempt.

        Args:
            origin: The address that it comes from.

        Raises:
            TooManyAttemptsError: There were too many, this one does not count.
        """
        key, now = _network(origin), self._clock()
        with self._lock:
            made = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while len(self._seen) > KNOWN:
                self._seen.popitem(last=False)
            while made and made[0] <= now - self._window:
                made.popleft()
            if len(made) >= self._attempts:
                raise TooManyAttemptsError(math.ceil(made[0] + self._window - now))
            made.append(now)

    def forgive(self, origin: str) -> None:
        """Take back the newest attempt, which was right: many people may share an address."""
        with self._lock:
            made = self._seen.get(_network(origin))
            if made:
                made.pop()


def _network(origin: str) -> str:
    try:
        address = ip_address(origin)
    except ValueError:
        return origin
    return origin if address.version == 4 else str(ip_network((address, IPV6_PREFIX), strict=False))
