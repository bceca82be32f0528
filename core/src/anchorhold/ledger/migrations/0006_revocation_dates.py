"""Revocations by their date: whether one is in the future is asked before each list, and each time maintenance runs."""

from typing import Any

from peewee import SQL


def up(migrator: Any, database: Any) -> None:
    """Create the index."""
    columns = "(authority_id, revoked_at)"
    database.execute(SQL(f"CREATE INDEX anchorhold_revocation_dated ON anchorhold_revocation {columns}"))
