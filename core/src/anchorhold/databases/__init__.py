"""Databases on SQLite and PostgreSQL, for the ledger and for backends that keep keys in one."""

from anchorhold.databases.drivers import Database  # isort: skip  # peewee is imported there
from anchorhold.databases.access_check import check_files, check_tables
from anchorhold.databases.clock import database_time
from anchorhold.databases.connect import (
    close,
    database_exists,
    drop_dead_connection,
    file_of,
    open_database,
    open_in_memory,
    roll_back,
)
from anchorhold.databases.error_hints import hint_for
from anchorhold.databases.migrations import Migrations
from anchorhold.databases.ordered_commits import ordered
from anchorhold.databases.sqlite import connect_read_only

__all__ = [
    "Database",
    "Migrations",
    "check_files",
    "check_tables",
    "close",
    "connect_read_only",
    "database_exists",
    "database_time",
    "drop_dead_connection",
    "file_of",
    "hint_for",
    "open_database",
    "open_in_memory",
    "ordered",
    "roll_back",
]
