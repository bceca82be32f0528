"""Keys of OCSP responders, the epoch that tells servers when to look again, and leases of those who renew."""

from typing import Any

from peewee import SQL, AutoField, BigIntegerField, BlobField, IntegerField, Model, TextField


def up(migrator: Any, database: Any) -> None:
    """Create the tables."""

    class Responder(Model):
        id = AutoField()
        authority_id = IntegerField()
        status = TextField()
        key_backend = TextField()
        backend_type = TextField()
        key_id = BlobField()
        handle = TextField(null=True)
        public_key = BlobField(null=True)
        secrets = TextField()
        serial = TextField(null=True)
        certificate = BlobField(null=True)
        not_after = BigIntegerField(null=True)
        answers_until = BigIntegerField(null=True)
        created_at = BigIntegerField()

        class Meta:
            table_name = "anchorhold_responder"

    class Epoch(Model):
        id = IntegerField(primary_key=True)
        value = BigIntegerField()

        class Meta:
            table_name = "anchorhold_epoch"

    class Lease(Model):
        authority_id = IntegerField(primary_key=True)
        holder = TextField()
        until = BigIntegerField()

        class Meta:
            table_name = "anchorhold_lease"

    tables = [Responder, Epoch, Lease]
    database.bind(tables, bind_refs=False, bind_backrefs=False)
    database.create_tables(tables, safe=False)
    Epoch.create(id=1, value=0)
    for statement in (
        "CREATE INDEX anchorhold_responder_authority ON anchorhold_responder (authority_id, status)",
        "CREATE INDEX anchorhold_responder_serial ON anchorhold_responder (authority_id, serial)",
    ):
        database.execute(SQL(statement))
