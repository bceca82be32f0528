"""The table of keys, as a peewee model built for one database (``Model.bind`` would be global)."""

from __future__ import annotations

from typing import Any

from peewee import BigIntegerField, BlobField, Database, Model, TextField

PREFIX = "anchorhold_db_"
"""Of every table, so that keys can share a database with the ledger."""


def key_model(database: Database) -> Any:
    """Build the model for a database.

    The columns are those of `anchorhold_db.stored_key.StoredKey`, with the key id in hexadecimal; ``created_at`` is in
    whole seconds since 1970 UTC.
    """

    class Key(Model):
        key_id = TextField(primary_key=True)
        public_key = BlobField()
        sealing = TextField(null=True)
        content = BlobField()
        created_at = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}key"

    database.bind([Key], bind_refs=False, bind_backrefs=False)
    return Key
