"""What tests start from, which repeats recorded statements (see `migrated`), is what the migrations make."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg

from anchorhold.ledger import Ledger
from databases import empty

MADE: Final = "import sys; from anchorhold.ledger import Ledger; Ledger(sys.argv[1]).close()"
SQLITE: Final = ("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name",)
POSTGRESQL: Final = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace ORDER BY conname",
)
STEPS: Final = "SELECT id, name FROM anchorhold_migration ORDER BY id"


def tables(url: str) -> list[list[tuple[object, ...]]]:
    """Everything about the tables of a ledger, and the steps that it has."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as ledger:
            return [ledger.execute(query).fetchall() for query in (*SQLITE, STEPS)]
    with psycopg.connect(url) as connection:
        return [connection.execute(query.encode()).fetchall() for query in (*POSTGRESQL, STEPS)]


def test_repeated_statements_make_the_tables_that_the_migrations_make(database: str, own_url: str) -> None:
    subprocess.run([sys.executable, "-c", MADE, own_url], check=True)
    Ledger(database).close()  # recorded, unless an earlier test was the first
    if database.startswith("sqlite:"):
        Path(database.removeprefix("sqlite:///")).unlink()
    else:
        empty(database)
    Ledger(database).close()
    assert tables(database) == tables(own_url)
    assert all(tables(database))
