"""Migrations of empty databases, taken once in a process and repeated: the same statements, without working them out.

Only what makes the tables of a database that has none is repeated. Whether there are any, the lock, and the transaction
are those of every other start, and processes that tests start migrate as ever.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from peewee import SqliteDatabase
from playhouse.migrations import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from peewee import Database

_READING: Final = ("SELECT", "PRAGMA", "SAVEPOINT", "RELEASE")
"""What statements begin with that need no repetition."""


class Repeater:
    """Stands in for ``Runner.up``."""

    def __init__(self, up: Callable[[Runner], list[str]]) -> None:
        self._up = up
        self._known: dict[tuple[object, ...], tuple[list[str], list[tuple[str, Any]]]] = {}

    def up(self, runner: Runner) -> list[str]:
        """Take the steps, or repeat the statements in which they ended for an earlier database of the same kind."""
        if runner.applied():
            return self._up(runner)
        steps = tuple(step.path for step in runner.migrations())
        kind = isinstance(runner.database, SqliteDatabase)
        if (kind, *steps) not in self._known:
            names, _ = self._known[kind, *steps] = self._recorded(runner)
            return names
        names, statements = self._known[kind, *steps]
        for sql, parameters in statements:
            runner.database.execute_sql(sql, parameters)
        return names

    def _recorded(self, runner: Runner) -> tuple[list[str], list[tuple[str, Any]]]:
        """The steps that were taken, and the statements they consist of."""
        statements: list[tuple[str, Any]] = []
        database: Database = runner.database
        execute: Any = database.execute_sql

        def record(sql: str, params: Any = None, **options: Any) -> Any:
            if not sql.lstrip().upper().startswith(_READING):
                statements.append((sql, params))
            return execute(sql, params, **options)

        with patch.object(database, "execute_sql", record):
            return self._up(runner), statements


@contextmanager
def repeated_migrations() -> Iterator[None]:
    """Repeat migrations in this process."""
    repeater = Repeater(Runner.up)

    def up(self: Runner) -> list[str]:
        return repeater.up(self)

    with patch.object(Runner, "up", up):
        yield
