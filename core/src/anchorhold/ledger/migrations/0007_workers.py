"""Workers that sign for other processes, as they say themselves; how often they have refused; what was begun.

The index has few rows: a worker finds what was begun in it, however many events an authority has.
"""

from typing import Any

from peewee import SQL, BigIntegerField, CompositeKey, IntegerField, Model, TextField


def up(migrator: Any, database: Any) -> None:
    """Create the tables."""

    class Worker(Model):
        name = TextField(primary_key=True)
        host = TextField()
        process = BigIntegerField()
        version = TextField()
        aliases = TextField()
        started_at = BigIntegerField()
        seen_at = BigIntegerField()
        signed_at = BigIntegerField(null=True)

        class Meta:
            table_name = "anchorhold_worker"

    class SignatureRefusal(Model):
        peer = TextField()
        purpose = TextField()
        reason = TextField()
        hour = BigIntegerField()
        count = IntegerField()

        class Meta:
            table_name = "anchorhold_signature_refusal"
            primary_key = CompositeKey("peer", "purpose", "reason", "hour")

    models = [Worker, SignatureRefusal]
    database.bind(models, bind_refs=False, bind_backrefs=False)
    database.create_tables(models, safe=False)
    begun = "kind IN ('crl-begun', 'csr-begun')"
    database.execute(SQL(f"CREATE INDEX anchorhold_event_begun ON anchorhold_event (authority_id, id) WHERE {begun}"))
