"""The clock that hosts which share a database have in common."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from peewee import SqliteDatabase

if TYPE_CHECKING:
    from peewee import Database


def database_time(database: Database) -> float:
    """Seconds since 1970 by the clock of the database server; of this host if the database is a file.

    Args:
        database: From `anchorhold.databases.open_database`.
    """
    if isinstance(database, SqliteDatabase):
        return time.time()
    statement = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)"
    return float(database.execute_sql(statement).fetchone()[0])
