"""What became of each request, in the ledger's database: the one place that host and worker both trust.

A worker notes that it begins with a request before it signs; a host that has waited long enough notes that it gave the
request up. Both add a row under the id of the request, so exactly one of them does: the host knows for certain whether
anything was signed.

The commits of these rows need not be durable, with one exception (see `intend`): what is lost with a database that
crashes is what both sides would ask it, and both would find it unreachable.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold.databases import database_time, drop_dead_connection
from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold_celery.migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from anchorhold.databases import Database

KEPT: Final = 86_400
"""Seconds for which rows of requests are kept after they were written."""


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that has a row.

    Attributes:
        state: ``begun``, ``finished`` or ``withdrawn``.
        reply: What the worker has answered, once it is finished.
    """

    state: str
    reply: str | None


class RequestTable:
    """Rows of requests. Threads may share it.

    Args:
        open_database: Opens the ledger's database.
        where: What to call it in messages.
    """

    def __init__(self, open_database: Callable[[], Database], where: str) -> None:
        self._open = open_database
        self._where = where
        self._migrated = False

    def now(self) -> float:
        """The time of the database: seconds since 1970.

        Raises:
            LedgerError: It cannot be asked; so do all methods.
        """
        with self._database() as database:
            return database_time(database)

    def is_made(self) -> bool:
        """Whether it is there, which asking does not make."""
        with self._database(make=False) as database:
            return MIGRATIONS.are_begun(database)

    def begin(self, request: str, *, durable: bool) -> KnownRequest | None:
        """Note that a worker begins with a request.

        Args:
            request: Its id.
            durable: Whether that must outlive a crash of the database.

        Returns:
            None; or the row that is there already, and then nothing was noted.
        """
        return self._add(request, "begun", durable=durable)

    def withdraw(self, request: str) -> KnownRequest | None:
        """Note that a host waits for a request no more, so that no worker begins with it; returns as `begin`."""
        return self._add(request, "withdrawn", durable=True)

    def finish(self, request: str, reply: str) -> None:
        """Keep the reply of a request that was begun.

        Args:
            request: Its id.
            reply: The message; a request that is delivered again is answered by it.
        """
        statement = "UPDATE anchorhold_celery_request SET state = {0}, reply = {0}{1} WHERE id = {0}"
        with self._database() as database:
            _execute(database, statement, ("finished", reply, request), durable=False)

    def find(self, request: str) -> KnownRequest | None:
        """The row of a request."""
        with self._database() as database:
            return _row(database, request)

    def intend(self, subjects: Sequence[str], request: str) -> list[str]:
        """Note durably what is about to be signed, where nothing may be signed twice.

        Args:
            subjects: Key and digest of each, as one text.
            request: The id of the request.

        Returns:
            Those of the subjects that were noted before: they may have been signed.
        """
        statement = (
            "INSERT INTO anchorhold_celery_intent (subject, request, moment) VALUES ({0}, {0}, {0}) "
            "ON CONFLICT (subject) DO NOTHING"
        )
        moment = int(time.time())
        with self._database() as database, _transaction(database, durable=True):
            statement = statement.format(database.param)
            return [
                subject
                for subject in sorted(set(subjects))  # in one order, so that two workers never wait for one another
                if not database.execute_sql(statement, (subject, request, moment)).rowcount
            ]

    def renounce(self, subjects: Sequence[str]) -> None:
        """Take back what was intended and was certainly not signed."""
        with self._database() as database, _transaction(database, durable=False):
            statement = f"DELETE FROM anchorhold_celery_intent WHERE subject = {database.param}"  # noqa: S608
            for subject in subjects:
                database.execute_sql(statement, (subject,))

    def tidy(self) -> None:
        """Forget requests of yesterday. What was intended is kept for ever, as certificates are."""
        with self._database() as database, _transaction(database, durable=False):
            statement = f"DELETE FROM anchorhold_celery_request WHERE moment < {database.param}"  # noqa: S608
            database.execute_sql(statement, (int(time.time()) - KEPT,))

    def _add(self, request: str, state: str, *, durable: bool) -> KnownRequest | None:
        statement = (
            "INSERT INTO anchorhold_celery_request (id, state, moment) SELECT {0}, {0}, CAST({0} AS BIGINT){1} "
            "WHERE true ON CONFLICT (id) DO NOTHING"
        )
        with self._database() as database:
            added = _execute(database, statement, (request, state, int(time.time())), durable=durable).rowcount
            return None if added else _row(database, request)

    @contextmanager
    def _database(self, *, make: bool = True) -> Iterator[Database]:
        """The database with its tables, on a connection that is given back if this thread had none before."""
        try:
            database = self._open()
            had_none = database.is_closed()
            try:
                if make and not self._migrated:
                    MIGRATIONS.apply(database, self._where)
                    self._migrated = True
                yield database
            finally:
                drop_dead_connection(database)
                if had_none and not database.is_closed():
                    database.close()
        except AnchorholdError:
            raise
        except Exception as error:
            raise LedgerError(
                f"{self._where}: the table of requests cannot be used ({type(error).__name__})",
                hint="look whether the database can be reached",
            ) from error


@contextmanager
def _transaction(database: Database, *, durable: bool) -> Iterator[None]:
    with database.atomic():
        if not durable and _is_server(database):
            database.execute_sql("SET LOCAL synchronous_commit = off")
        yield


def _execute(database: Any, statement: str, values: tuple[object, ...], *, durable: bool) -> Any:
    """Execute one statement in its own transaction, by one message to the server.

    Args:
        database: Where.
        statement: With ``{0}`` for each value and ``{1}`` where a FROM clause may stand.
        values: For it.
        durable: Whether the commit waits for the disk.
    """
    if durable or not _is_server(database):
        return database.execute_sql(statement.format(database.param, ""), values)
    quick = "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)) "
    return database.execute_sql(quick + statement.format(database.param, " FROM quick"), values)


def _row(database: Any, request: str) -> KnownRequest | None:
    statement = f"SELECT state, reply FROM anchorhold_celery_request WHERE id = {database.param}"  # noqa: S608
    found = database.execute_sql(statement, (request,)).fetchone()
    return None if found is None else KnownRequest(*found)


def _is_server(database: Any) -> bool:
    """Whether it is PostgreSQL, whose clock holds for all hosts; a file is on this one."""
    return bool(database.param == "%s")
