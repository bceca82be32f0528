"""The pool of connections to PostgreSQL, imported only where there is one."""

from __future__ import annotations

import logging
from threading import Condition, Lock, RLock
from typing import Any, Final

from peewee import OperationalError, PeeweeException
from playhouse.pool import MaxConnectionsExceeded
from playhouse.postgres_ext import PooledPsycopg3Database, Psycopg3Database

logger = logging.getLogger(__name__)

IDLE: Final = 60
"""Seconds after which the server takes back the transaction of a process that stands still within it."""
_LIMIT: Final = """
    SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s AND setting = '0' AND source <> 'client'
"""
"""What the URL, the role, the database or the server says stays. Not by libpq's parameter ``options``, for proxies such
as PgBouncer refuse what they do not know there."""


class _Limited(Psycopg3Database):  # type: ignore[misc]  # peewee has no types
    """Sessions that neither wait for ever nor keep others waiting for ever."""

    lock_timeout: float

    def _connect(self) -> Any:
        connection = super()._connect()
        for name, seconds in (("lock_timeout", self.lock_timeout), ("idle_in_transaction_session_timeout", IDLE)):
            connection.execute(_LIMIT, (f"{max(1, round(seconds * 1000))}ms", name))
        return connection


class Pool(PooledPsycopg3Database, _Limited):  # type: ignore[misc]  # peewee has no types
    """A pool whose every error is one of a database.

    Args:
        name: Of the database.
        lock_timeout: Seconds for which a statement waits for a lock.
        parameters: Of the pool and of libpq.
    """

    def __init__(self, name: str, patience: float, **parameters: Any) -> None:
        self.lock_timeout = patience
        super().__init__(name, **parameters)

    def rollback(self) -> None:
        """End the transaction; a connection that cannot be told so is closed, and its server takes back what was begun.

        After an interrupt it may still wait for the answer to a statement; what it raises would hide the interrupt.
        """
        try:
            super().rollback()
        except PeeweeException as error:
            logger.debug("roll back", exc_info=error)
            self.manual_close()

    def connect(self, reuse_if_open: bool = False) -> bool:
        """As its base does.

        Raises:
            OperationalError: As its base, and where that raises a ValueError because no connection became free.
        """
        try:
            return bool(super().connect(reuse_if_open))
        except MaxConnectionsExceeded as error:
            raise OperationalError("other threads of this process hold all connections") from error

    def forget(self) -> tuple[object, ...]:
        """In a forked child: leave alone what was inherited, which is to be kept and never to be used.

        Other threads of the parent may have held the locks.
        """
        self._lock = Lock()
        self._pool_lock = RLock()
        self._pool_available = Condition(self._pool_lock)
        inherited = (self._state.conn, self._connections, self._in_use)
        self.dispose()
        return inherited
