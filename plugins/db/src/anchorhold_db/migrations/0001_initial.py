"""Private keys."""

from typing import Any

from peewee import BigIntegerField, BlobField, Model, TextField


def up(migrator: Any, database: Any) -> None:
    """Create the table."""

    class Key(Model):
        key_id = TextField(primary_key=True)
        public_key = BlobField()
        sealing = TextField(null=True)
        content = BlobField()
        created_at = BigIntegerField()

        class Meta:
            table_name = "anchorhold_db_key"

    database.bind([Key], bind_refs=False, bind_backrefs=False)
    database.create_tables([Key], safe=False)
