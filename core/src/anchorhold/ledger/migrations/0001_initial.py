"""Authorities, certificates and events."""

from typing import Any

from peewee import (
    SQL,
    AutoField,
    BigAutoField,
    BigIntegerField,
    BlobField,
    ForeignKeyField,
    Model,
    SqliteDatabase,
    TextField,
)


def up(migrator: Any, database: Any) -> None:
    """Create the tables and their indexes."""

    class Authority(Model):
        id = AutoField()
        name = TextField()
        status = TextField()
        parent = ForeignKeyField("self", null=True, on_delete="RESTRICT", index=False)
        subject = TextField()
        serial = TextField(null=True)
        key_backend = TextField()
        backend_type = TextField()
        key_id = BlobField()
        handle = TextField(null=True)
        public_key = BlobField(null=True)
        certificate = BlobField(null=True)
        not_after = BigIntegerField(null=True)
        plan = TextField(null=True)
        issuing = TextField()
        created_at = BigIntegerField()

        class Meta:
            table_name = "anchorhold_authority"

    class Certificate(Model):
        id = BigAutoField()
        authority = ForeignKeyField(Authority, on_delete="RESTRICT", index=False)
        serial = TextField()
        status = TextField()
        profile = TextField()
        subject = TextField()
        names = TextField()
        not_before = BigIntegerField()
        not_after = BigIntegerField()
        tbs = BlobField(null=True)
        certificate = BlobField(null=True)
        reserved_at = BigIntegerField()
        issued_at = BigIntegerField(null=True)

        class Meta:
            table_name = "anchorhold_certificate"

    class Event(Model):
        id = BigAutoField()
        at = BigIntegerField()
        kind = TextField()
        authority = TextField()
        detail = TextField()

        class Meta:
            table_name = "anchorhold_event"

    tables = [Authority, Certificate, Event]
    database.bind(tables, bind_refs=False, bind_backrefs=False)
    database.create_tables(tables, safe=False)
    if not isinstance(database, SqliteDatabase):  # in Danish "aa" comes after "z", and hex digits are no Danish
        database.execute(SQL('ALTER TABLE anchorhold_certificate ALTER COLUMN serial TYPE text COLLATE "C"'))
    for statement in (
        "CREATE UNIQUE INDEX anchorhold_authority_name ON anchorhold_authority (name) WHERE status <> 'abandoned'",
        # The serial number first: it is looked for without its authority, too, and one index costs half of two.
        "CREATE UNIQUE INDEX anchorhold_certificate_serial ON anchorhold_certificate (serial, authority_id)",
        "CREATE INDEX anchorhold_certificate_page ON anchorhold_certificate (authority_id, id)",
        "CREATE INDEX anchorhold_certificate_open ON anchorhold_certificate (authority_id, serial) "
        "WHERE status = 'reserved'",
    ):
        database.execute(SQL(statement))
