"""Revocations, certificate revocation lists, and the counters of an authority that belong to them."""

from typing import Any

from peewee import SQL, BigAutoField, BigIntegerField, BlobField, CompositeKey, IntegerField, Model, TextField


def up(migrator: Any, database: Any) -> None:
    """Create the tables, and give authorities their counters."""

    class Revocation(Model):
        id = BigAutoField()
        authority_id = IntegerField()
        certificate_id = BigIntegerField(unique=True)
        serial = TextField()
        shard = IntegerField(null=True)
        revoked_at = BigIntegerField()
        reason = TextField()
        invalidity_at = BigIntegerField(null=True)
        not_after = BigIntegerField()
        entry = BlobField()

        class Meta:
            table_name = "anchorhold_revocation"

    class Crl(Model):
        id = BigAutoField()
        authority_id = IntegerField()
        shard = IntegerField(null=True)
        number = BigIntegerField()
        this_update = BigIntegerField()
        next_update = BigIntegerField()
        upto = BigIntegerField()
        floor = BigIntegerField()
        rewrites = IntegerField()
        parts = TextField()
        head = BlobField()
        tail = BlobField()

        class Meta:
            table_name = "anchorhold_crl"

    class CrlPart(Model):
        authority_id = IntegerField()
        shard = IntegerField(null=True)
        number = BigIntegerField()
        position = IntegerField()
        octets = BlobField()

        class Meta:
            table_name = "anchorhold_crl_part"
            primary_key = CompositeKey("authority_id", "number", "position")

    tables = [Revocation, Crl, CrlPart]
    database.bind(tables, bind_refs=False, bind_backrefs=False)
    database.create_tables(tables, safe=False)
    for statement in (
        "ALTER TABLE anchorhold_authority ADD COLUMN crl_number BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE anchorhold_authority ADD COLUMN rewrites INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX anchorhold_revocation_list ON anchorhold_revocation (authority_id, id)",
        "CREATE INDEX anchorhold_revocation_shard ON anchorhold_revocation (authority_id, shard, id)",
        "CREATE INDEX anchorhold_revocation_expired ON anchorhold_revocation (authority_id, not_after)",
        "CREATE INDEX anchorhold_certificate_expiry ON anchorhold_certificate (not_after, id) WHERE status = 'issued'",
        "CREATE INDEX anchorhold_certificate_expiry_of ON anchorhold_certificate (authority_id, not_after, id) "
        "WHERE status = 'issued'",
        "CREATE UNIQUE INDEX anchorhold_crl_number ON anchorhold_crl (authority_id, number)",
        "CREATE INDEX anchorhold_crl_shard ON anchorhold_crl (authority_id, shard, number)",
        "CREATE INDEX anchorhold_crl_part_shard ON anchorhold_crl_part (authority_id, shard, number)",
    ):
        database.execute(SQL(statement))
