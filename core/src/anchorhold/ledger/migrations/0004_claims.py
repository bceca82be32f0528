"""Claims of processes at work, a revision of each authority, copies of keys, and PINs that a token has refused.

The table of leases stays for processes of the release before that are still running; nothing else uses it.
"""

from typing import Any

from peewee import SQL, AutoField, BigIntegerField, BlobField, CompositeKey, IntegerField, Model, TextField


def up(migrator: Any, database: Any) -> None:
    """Create the tables, and add the column."""

    class Claim(Model):
        subject = TextField(primary_key=True)
        holder = TextField()
        work = TextField()
        host = TextField()
        process = IntegerField()
        life = TextField()
        until = BigIntegerField()

        class Meta:
            table_name = "anchorhold_claim"

    class KeyCopy(Model):
        id = AutoField()
        authority_id = IntegerField()
        key_backend = TextField()
        backend_type = TextField()
        key_id = BlobField()
        handle = TextField()
        left_at = BigIntegerField()

        class Meta:
            table_name = "anchorhold_key_copy"

    class Refusal(Model):
        place = TextField()
        source = TextField()
        version = TextField()
        host = TextField()
        process = BigIntegerField()
        shown_at = BigIntegerField()
        outcome = TextField()

        class Meta:
            table_name = "anchorhold_refusal"
            primary_key = CompositeKey("place", "source", "version")

    tables = [Claim, KeyCopy, Refusal]
    database.bind(tables, bind_refs=False, bind_backrefs=False)
    database.create_tables(tables, safe=False)
    for statement in (
        "CREATE INDEX anchorhold_key_copy_authority ON anchorhold_key_copy (authority_id)",
        "ALTER TABLE anchorhold_authority ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
    ):
        database.execute(SQL(statement))
