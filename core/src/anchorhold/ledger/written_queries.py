"""SELECT statements that are written once: writing one takes peewee longer than the database needs to answer it."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any, Final

from peewee import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_OPEN: Final = object()

PLACE: Final = Value(_LEFT_OPEN, converter=False)
"""Stands in a condition where a value is given each time, as the database has it."""


class WrittenQuery:
    """A query that is executed again and again with other values.

    Args:
        query: Of all columns of one model, with `PLACE` in its conditions.
    """

    def __init__(self, query: Any) -> None:
        meta = query.model._meta  # noqa: SLF001
        self._database = meta.database
        self._statement, self._values = query.sql()
        columns = [field.column_name for field in meta.sorted_fields]
        self._row: Any = namedtuple("Row", columns)  # type: ignore[misc]  # known when it runs

    def rows(self, *values: object) -> Iterator[Any]:
        """The rows that fit, with their columns as attributes.

        Args:
            values: One for each `PLACE`, in the order in which they stand in the statement.
        """
        given = iter(values)
        bound = [next(given) if value is _LEFT_OPEN else value for value in self._values]
        return map(self._row._make, self._database.execute_sql(self._statement, bound))
