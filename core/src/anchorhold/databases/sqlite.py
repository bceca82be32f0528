"""SQLite: waiting for other processes aloud, never making a file, and forks.

SQLite remembers in tables of the process which locks it has on a file (``unixInodeInfo``), and the locks belong to the
process. A forked child inherits the tables without the locks: what it opens next would believe in locks that are not
there, so that others remove the write-ahead log under it and it goes on with an old picture. Therefore a connection
that is not in use is closed before a fork, and opened again by who needs it; a child of a process in which one was in
use, or belonged to another thread, does not touch that file.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from weakref import WeakSet

from peewee import OperationalError, SqliteDatabase, __exception_wrapper__  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK_TIMEOUT: Final = 30.0
"""Seconds in all for which a process waits for another one."""
LOG_WAIT_AFTER: Final = 2.0
"""Seconds of it in which nothing is said."""

logger = logging.getLogger(__name__)

_databases: WeakSet[WaitingSqliteDatabase] = WeakSet()
_spoilt: set[tuple[int, int]] = set()
"""Files (device, inode) that were in use when this process was forked."""
_inherited: list[Any] = []
"""Connections a forked child must neither use nor close; closing would undo what the parent has begun."""


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly.

    That of a thread which has ended is closed with it, which is no leak to be warned of (Python 3.13 does so).
    """

    file: tuple[int, int] = (0, 0)
    inherited = False

    def __del__(self) -> None:
        """Close it, as its base does with a warning; not in a forked child."""
        if not self.inherited:
            self.close()


class WaitingSqliteDatabase(SqliteDatabase):
    """A file of SQLite, which must be there.

    Args:
        path: Of the file.
        where: What to call it in messages.
        lock_timeout: Seconds in all for which a statement waits for the lock of another process.
    """

    _timeout: float
    _state: Any
    _add_conn_hooks: Callable[[sqlite3.Connection], None]

    def __init__(self, path: str, where: str, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self._where = where
        self._patience = lock_timeout
        self._connections: WeakSet[_Connection] = WeakSet()
        pragmas = {"synchronous": "full", "foreign_keys": 1}
        super().__init__(path, pragmas=pragmas, timeout=min(LOG_WAIT_AFTER, lock_timeout), lock_type="IMMEDIATE")
        _databases.add(self)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """As its base does, but it waits for other processes longer, and says so.

        Raises:
            OperationalError: The lock was not free in time, or something else is wrong.
        """
        return self._execute(sql, params or ())

    def begin(self, lock_type: str | None = None) -> None:
        """As its base does, and as patient as `execute_sql`."""
        self._execute(f"BEGIN {lock_type or 'IMMEDIATE'}")

    def commit(self) -> Any:
        """As its base does, and as patient as `execute_sql`; a commit that found the file locked can be repeated."""
        return self._execute("COMMIT")

    def _execute(self, sql: str, params: Any = ()) -> Any:
        """Not by way of the base, which takes as long for a statement of a certificate as SQLite does."""
        self._log_query(sql, params)  # type: ignore[attr-defined]  # as the base does
        end = None
        while True:
            try:
                with __exception_wrapper__:
                    return self.connection().execute(sql, params)  # type: ignore[no-untyped-call]  # peewee has no types
            except OperationalError as error:
                if not _is_busy(error):
                    raise
                now = time.monotonic()
                if end is None:  # SQLite itself has waited already
                    end = now + self._patience - self._timeout
                    if now < end:
                        logger.warning(
                            "%s: another process has it locked; waiting up to %g s", self._where, self._patience
                        )
                if now >= end:
                    raise

    def _connect(self) -> _Connection:
        """Open the file; never make one, as SQLite would."""
        path = Path(self.database).absolute()
        file = _identity(path)
        if file in _spoilt:
            raise sqlite3.OperationalError("was in use when this process was forked")
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,  # each thread has its own, but the last of an ended one may be let go by another
            factory=_Connection,
        )
        try:
            self._add_conn_hooks(connection)
        except BaseException:
            connection.close()
            raise
        connection.file = file
        self._connections.add(connection)
        return connection

    def _close(self, conn: _Connection) -> None:
        super()._close(conn)  # type: ignore[misc]  # its types leave it out
        self._connections.discard(conn)

    def rest(self) -> None:
        """Before a fork: close this thread's connection, unless something has begun on it."""
        if self.is_closed() or self.in_transaction() or self._state.conn.in_transaction:
            return
        self.close()

    def forget(self) -> None:
        """In a forked child: leave alone what was inherited, and remember which files cannot be used any more."""
        self._lock = Lock()  # another thread may have held it
        left = list(self._connections)
        for connection in left:
            connection.inherited = True
        _inherited.extend(left)
        _spoilt.update(connection.file for connection in left)
        self._connections = WeakSet()
        self.dispose()


def connect_read_only(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection that makes no file and leaves the write-ahead log alone.

    Args:
        path: The file.
        timeout: Seconds to wait for a lock.

    Raises:
        sqlite3.OperationalError: There is no file.
    """
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=timeout)


def _identity(path: Path) -> tuple[int, int]:
    """Device and inode of a file, without opening it: closing it would drop the locks of this process on it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise sqlite3.OperationalError("is not there") from None
    except OSError as error:
        raise sqlite3.OperationalError(f"cannot be accessed ({error.strerror})") from error
    return found.st_dev, found.st_ino


def _is_busy(error: OperationalError) -> bool:
    """Whether waiting helps; a reader whose picture is too old for it to write (BUSY_SNAPSHOT) would wait in vain."""
    first: object = error
    while hasattr(first, "orig"):  # peewee wraps once more what befell it when it connected
        first = first.orig
    code: int = getattr(first, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT


def _before_fork() -> None:
    for database in list(_databases):
        database.rest()


def _after_fork() -> None:
    for database in list(_databases):
        database.forget()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
