"""Databases on SQLite and PostgreSQL, for the ledger and for backends that keep keys in one."""

from peewee import Database

from anchorhold.databases.failures import hint_for
from anchorhold.databases.migrating import Migrations
from anchorhold.databases.opening import (
    close,
    database_exists,
    drop_dead_connection,
    file_of,
    open_database,
    open_nowhere,
)
from anchorhold.databases.trying import try_files, try_tables

__all__ = [
    "Database",
    "Migrations",
    "close",
    "database_exists",
    "drop_dead_connection",
    "file_of",
    "hint_for",
    "open_database",
    "open_nowhere",
    "try_files",
    "try_tables",
]
