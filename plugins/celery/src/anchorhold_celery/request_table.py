"""What became of each request, in the ledger's database: the one place that host and worker both trust.

A worker notes that it begins with a request before it signs; a host that has waited long enough notes that it gave the
request up. Both add a row under the id of the request, so exactly one of them does: the host knows for certain whether
anything was signed.

The commits of these rows need not be durable, with one exception (see `intend`): what is lost with a database that
crashes is what both sides would ask it, and both would find it unreachable.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from anchorhold.databases import database_time, drop_dead_connection
from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold_celery.migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from anchorhold.databases import Database

KEPT: Final = 86_400
"""Seconds for which rows of requests are kept after they were written."""
LONGEST: Final = KEPT / 2
"""Seconds that a request has at most: it is over long before its row is forgotten, so no copy is taken for new."""


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
        """Note that a worker begins with a request, and that this process is at it until `finish`.

        Args:
            request: Its id.
            durable: Whether that must outlive a crash of the database.

        Returns:
            None; or the row that is there already, and then nothing was noted.
        """
        return self._add(request, "begun", durable=durable, lock=True)

    def take_over(self, request: str) -> bool:
        """Be at a request that another process has begun with, unless that is still at it.

        A broker delivers a request again when it believes that a worker is gone; it may be slow, or cut off, or the
        clock of another worker may be wrong. The lock goes with the connection, so that of a killed process is free.
        """
        with self._database(keep=True) as database:
            if not _is_server(database):
                return True
            return bool(database.execute_sql("SELECT pg_try_advisory_lock(%s)", (_lock_of(request),)).fetchone()[0])

    def leave(self, request: str) -> None:
        """Be no longer at a request."""
        with self._database() as database:
            if _is_server(database):
                database.execute_sql("SELECT pg_advisory_unlock(%s)", (_lock_of(request),))

    def withdraw(self, request: str) -> KnownRequest | None:
        """Note that a host waits for a request no more, so that no worker begins with it; returns as `begin`."""
        return self._add(request, "withdrawn", durable=True)

    def finish(self, request: str, reply: str) -> None:
        """Keep the reply of a request that was begun; this process is no longer at it.

        Args:
            request: Its id.
            reply: The message; a request that is delivered again is answered by it.
        """
        statement = "UPDATE anchorhold_celery_request SET state = {0}, reply = {0}{2} WHERE id = {0}"
        with self._database() as database:
            unlock = f" RETURNING pg_advisory_unlock({_lock_of(request)})" if _is_server(database) else ""
            _execute(database, statement + unlock, ("finished", reply, request), durable=False)

    def find(self, request: str) -> KnownRequest | None:
        """The row of a request."""
        with self._database() as database:
            return _row(database, request)

    def intend(self, subjects: Sequence[str], request: str, *, once: bool) -> list[str]:
        """Note what is about to be signed.

        Args:
            subjects: Key and digest of each, as one text.
            request: The id of the request.
            once: Whether nothing may be signed twice, not even after a process was killed; then it is durable.

        Returns:
            Those of the subjects that were noted before, without `once` by another request: they may have been signed.
        """
        ordered = sorted(set(subjects))  # in one order, so that two workers never wait for one another
        if not ordered:
            return []
        with self._database() as database:
            rows = " UNION ALL ".join(["SELECT {0} AS subject, {0} AS request"] * len(ordered))
            statement = (
                "INSERT INTO anchorhold_celery_intent (subject, request, moment) "  # noqa: S608
                f"SELECT subject, request, {_moment(database)} FROM ({rows}) AS intended{{1}} "
                "WHERE true ON CONFLICT (subject) DO NOTHING RETURNING subject"
            )
            values = tuple(value for subject in ordered for value in (subject, request))
            added = {subject for (subject,) in _execute(database, statement, values, durable=once).fetchall()}
            before = [subject for subject in ordered if subject not in added]
            return before if once else [subject for subject in before if _intended_by(database, subject) != request]

    def renounce(self, subjects: Sequence[str]) -> None:
        """Take back what was intended and was certainly not signed."""
        with self._database() as database, _transaction(database, durable=False):
            statement = f"DELETE FROM anchorhold_celery_intent WHERE subject = {database.param}"  # noqa: S608
            for subject in subjects:
                database.execute_sql(statement, (subject,))

    def tidy(self) -> None:
        """Forget requests of yesterday. What was intended is kept for ever, as certificates are."""
        with self._database() as database, _transaction(database, durable=False):
            database.execute_sql(f"DELETE FROM anchorhold_celery_request WHERE moment < {_moment(database)} - {KEPT}")  # noqa: S608

    def _add(self, request: str, state: str, *, durable: bool, lock: bool = False) -> KnownRequest | None:
        with self._database(keep=lock) as database:
            statement = (
                "INSERT INTO anchorhold_celery_request (id, state, moment) "  # noqa: S608
                f"SELECT id, state, {_moment(database)} FROM (SELECT {{0}} AS id, {{0}} AS state) AS added{{1}} "
                "WHERE true ON CONFLICT (id) DO NOTHING"
            )
            if lock and _is_server(database):
                statement += f" RETURNING pg_advisory_lock({_lock_of(request)})"
            added = _execute(database, statement, (request, state), durable=durable).rowcount
            return None if added else _row(database, request)

    @contextmanager
    def _database(self, *, make: bool = True, keep: bool = False) -> Iterator[Database]:
        """The database with its tables, on a connection that is given back if this thread had none before.

        Args:
            make: Whether the tables are made where they are not there.
            keep: Whether the connection is kept, because a lock goes with it.
        """
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
                if had_none and not keep and not database.is_closed():
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
        statement: With ``{0}`` for each value, and ``{1}`` behind a FROM clause or ``{2}`` where one may stand.
        values: For it.
        durable: Whether the commit waits for the disk.
    """
    if durable or not _is_server(database):
        return database.execute_sql(statement.format(database.param, "", ""), values)
    quick = "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)) "
    return database.execute_sql(quick + statement.format(database.param, ", quick", " FROM quick"), values)


def _row(database: Any, request: str) -> KnownRequest | None:
    statement = f"SELECT state, reply FROM anchorhold_celery_request WHERE id = {database.param}"  # noqa: S608
    found = database.execute_sql(statement, (request,)).fetchone()
    return None if found is None else KnownRequest(*found)


def _moment(database: Any) -> str:
    """Seconds since 1970 by the clock of the database, in SQL: rows that guard against copies outlive wrong clocks."""
    epoch = "extract(epoch FROM clock_timestamp())" if _is_server(database) else "strftime('%s', 'now')"
    return f"CAST({epoch} AS BIGINT)"


def _lock_of(request: str) -> int:
    """The number of the advisory lock of a request."""
    return int.from_bytes(sha256(f"anchorhold request {request}".encode()).digest()[:8], "big", signed=True)


def _intended_by(database: Any, subject: str) -> str | None:
    """The request that has noted a subject; None if it has been taken back since."""
    statement = f"SELECT request FROM anchorhold_celery_intent WHERE subject = {database.param}"  # noqa: S608
    found = database.execute_sql(statement, (subject,)).fetchone()
    return None if found is None else str(found[0])


def _is_server(database: Any) -> bool:
    """Whether it is PostgreSQL, whose clock holds for all hosts; a file is on this one."""
    return bool(database.param == "%s")
