"""A disk that is full for the ledger, made so by the kernel: files may not grow beyond what they are."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from peewee import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.installation import Installation
    from postgresql_cluster import Cluster

_JUNK = {
    "authority": (
        "key_id",
        "name, status, subject, key_backend, backend_type, issuing, created_at",
        "'junk', 'abandoned', '', '', '', '', 0",
    ),
    "certificate": (
        "tbs",
        "authority_id, serial, status, profile, subject, names, not_before, not_after, reserved_at",
        "(SELECT min(id) FROM anchorhold_authority), gen_random_uuid(), 'abandoned', '', '', '[]', 0, 0, 0",
    ),
}
"""Rows that count for nothing, by table: the column that makes them big, the others, and these."""
_DATA = "convert_to(repeat('x', %s), 'UTF8') FROM generate_series(1, %s) AS page"
_PAGE = 8192
"""Octets of a page of PostgreSQL's. The 150 are more than one file of its write-ahead log, which must fit."""


@contextmanager
def full_disk(installation: Installation, cluster: Cluster, table: str) -> Iterator[None]:
    """Nothing fits into the ledger any more.

    On SQLite its write-ahead log cannot grow; on PostgreSQL, in that cluster, the file of that table cannot.
    """
    database: Any = installation.ledger.database
    if isinstance(database, SqliteDatabase):
        limit = ["prlimit", "--pid", str(os.getpid())]
        size = Path(f"{database.database}-wal").stat().st_size
    else:
        limit = [*cluster.user, "prlimit", "--pid", str(database.connection().info.backend_pid)]
        size = _fill(database, table)
    subprocess.run([*limit, f"--fsize={size}:"], check=True)
    try:
        yield
    finally:
        subprocess.run([*limit, "--fsize=unlimited:"], check=True)


def _fill(database: Any, table: str) -> int:
    """Fill the pages of a table, the one in use with small rows, further ones with a big row each; their size."""
    name, (column, others, values) = f"anchorhold_{table}", _JUNK[table]
    junk = f"INSERT INTO {name} ({others}, {column}) SELECT {values}, {_DATA}"

    def size() -> int:
        ((octets,),) = database.execute_sql(f"SELECT pg_relation_size('{name}')")
        return int(octets)

    with psycopg.connect(database.connection().info.dsn, autocommit=True) as other:
        other.execute(f"VACUUM {name}".encode())  # else what was freed would be used again later
    database.execute_sql(f"ALTER TABLE {name} ALTER COLUMN {column} SET STORAGE PLAIN")
    before = size()
    while size() <= max(before, _PAGE):
        database.execute_sql(junk, (1, 1))
    database.execute_sql(junk, (_PAGE - 400, 150))
    return size()
