"""The pool of connections to PostgreSQL, imported only where there is one."""

from __future__ import annotations

from peewee import OperationalError
from playhouse.pool import MaxConnectionsExceeded
from playhouse.postgres_ext import PooledPsycopg3Database


class Pool(PooledPsycopg3Database):  # type: ignore[misc]  # peewee has no types
    """A pool whose every error is one of a database."""

    def connect(self, reuse_if_open: bool = False) -> bool:
        """As its base does.

        Raises:
            OperationalError: As its base, and where that raises a ValueError because no connection became free.
        """
        try:
            return bool(super().connect(reuse_if_open))
        except MaxConnectionsExceeded as error:
            raise OperationalError("other threads of this process have all connections and close none") from error
