"""Key backend ``db``: private keys in the ledger's database, or in another one on SQLite or PostgreSQL."""

from anchorhold_db.backend import DatabaseBackend

__all__ = ["DatabaseBackend"]
