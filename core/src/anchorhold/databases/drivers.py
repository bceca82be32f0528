"""peewee without the drivers of servers, which it imports wherever they are installed.

They take as long to import as the rest of a command that signs a certificate with a ledger on SQLite. The driver of
PostgreSQL is added when it is needed. This module is imported before any other that imports peewee.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from threading import get_ident
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

DRIVERS: Final = ("MySQLdb", "psycopg", "psycopg2", "psycopg2cffi", "pymysql", "pysqlite3")
"""What peewee looks for, and goes on without."""


class _NotHere(MetaPathFinder):
    """Hides drivers from the thread that made it."""

    def __init__(self) -> None:
        self._thread = get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None leaves the module to the other finders."""
        if fullname in DRIVERS and get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is not needed yet", name=fullname)
        return None


@contextmanager
def without_drivers() -> Iterator[None]:
    """Within it, this thread imports none of the drivers; one that is imported already is used as always."""
    hiding = _NotHere()
    sys.meta_path.insert(0, hiding)
    try:
        yield
    finally:
        sys.meta_path.remove(hiding)


def add_psycopg() -> None:
    """Let peewee know psycopg 3, as if it had been there when peewee was imported.

    Raises:
        ImportError: It is not installed.
    """
    import peewee
    import psycopg
    from psycopg.pq import TransactionStatus
    from psycopg.types.json import Json, Jsonb

    if peewee.psycopg is psycopg:  # type: ignore[attr-defined]
        return
    vars(peewee).update(psycopg=psycopg, TransactionStatus=TransactionStatus, Json_pg3=Json, Jsonb_pg3=Jsonb)
    adapter = peewee.Psycopg3Adapter
    adapter.txn_idle = TransactionStatus.IDLE
    adapter.txn_inerror = TransactionStatus.INERROR
    adapter.txn_unknown = TransactionStatus.UNKNOWN


with without_drivers():
    from peewee import Database as Database
