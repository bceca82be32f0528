"""Which index a database uses, as its own query plan says."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.databases import SQLITE
from bench.growth.filled import TABLE
from bench.growth.operations import OPERATIONS
from bench.results import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.growth.filled import FilledLedger

_SCANS = re.compile(r"Seq Scan on|^SCAN (?!.* USING )")
"""A whole table read without an index: PostgreSQL's words, and SQLite's."""
_FIGURES = re.compile(r"\s*\(cost=.*|^\s*->\s*")


def plans(filled: FilledLedger, database: str) -> list[Plan]:
    """Do every operation once, and have each statement explained that looks for rows among the certificates."""
    explained = []
    for name, (operation, _) in OPERATIONS.items():
        with _recorded(filled.ledger.database) as statements:
            operation(filled, 1)
        for sql, parameters in statements:
            if TABLE in sql and not sql.startswith("INSERT"):
                steps = _explained(filled, database, sql, parameters)
                scans = any(_SCANS.search(step) for step in steps)
                explained.append(Plan(operation=name, database=database, steps="; ".join(steps), scans=scans))
    return explained


@contextmanager
def _recorded(database: Any) -> Iterator[list[tuple[str, Any]]]:
    """Note what is executed, by models and without them: every statement goes through a cursor."""
    statements: list[tuple[str, Any]] = []
    database.cursor = lambda *given, **named: _Cursor(type(database).cursor(database, *given, **named), statements)
    try:
        yield statements
    finally:
        del database.cursor


class _Cursor:
    """A cursor that notes its statements; of many rows the first."""

    def __init__(self, cursor: Any, statements: list[tuple[str, Any]]) -> None:
        self._cursor = cursor
        self._statements = statements

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        self._statements.append((sql, parameters))
        return self._cursor.execute(sql, parameters)

    def executemany(self, sql: str, rows: list[Any]) -> Any:
        self._statements.append((sql, rows[0]))
        return self._cursor.executemany(sql, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)


def _explained(filled: FilledLedger, database: str, sql: str, parameters: Any) -> list[str]:
    explain = "EXPLAIN QUERY PLAN" if database == SQLITE else "EXPLAIN"
    with filled.ledger.transaction():
        rows = filled.ledger.database.execute_sql(f"{explain} {sql}", parameters).fetchall()
    steps = [_FIGURES.sub("", _FIGURES.sub("", str(row[-1]))).strip() for row in rows]
    return [step for step in steps if "Scan" in step or step.startswith(("SCAN", "SEARCH", "USE TEMP", "Sort"))]
