"""Who acted: the actor and the correlation id of events and certificates; requests that wait to be signed."""

import json
from typing import Any

from peewee import SQL, AutoField, BigIntegerField, BlobField, IntegerField, Model, TextField

_ACTOR = ("actor_kind", "actor_name", "actor_origin", "correlation_id")


def up(migrator: Any, database: Any) -> None:
    """Add the columns, fill those that older events tell, and create the table."""

    class Request(Model):
        id = AutoField()
        authority_id = IntegerField()
        status = TextField()
        content = TextField()
        csr = BlobField()
        profile = TextField()
        subject = TextField()
        names = TextField()
        serial = TextField(null=True)
        problem = TextField(null=True)
        submitted_at = BigIntegerField()
        changed_at = BigIntegerField()
        actor_kind = TextField(null=True)
        actor_name = TextField(null=True)
        actor_origin = TextField(null=True)
        correlation_id = TextField(null=True)

        class Meta:
            table_name = "anchorhold_request"

    database.bind([Request], bind_refs=False, bind_backrefs=False)
    database.create_tables([Request], safe=False)
    for table in ("anchorhold_event", "anchorhold_certificate"):
        for column in _ACTOR:
            database.execute(SQL(f"ALTER TABLE {table} ADD COLUMN {column} TEXT"))
    for statement in (
        "ALTER TABLE anchorhold_event ADD COLUMN authority_id INTEGER",
        "ALTER TABLE anchorhold_event ADD COLUMN serial TEXT",
        "UPDATE anchorhold_event SET authority_id = "
        "(SELECT MAX(id) FROM anchorhold_authority WHERE name = anchorhold_event.authority)",
    ):
        database.execute(SQL(statement))
    _fill_serials(database)
    for statement in (
        "CREATE INDEX anchorhold_event_authority ON anchorhold_event (authority_id)",
        "CREATE INDEX anchorhold_event_serial ON anchorhold_event (serial)",
        "CREATE INDEX anchorhold_request_status ON anchorhold_request (status)",
        "CREATE INDEX anchorhold_request_serial ON anchorhold_request (authority_id, serial)",
    ):
        database.execute(SQL(statement))


def _fill_serials(database: Any) -> None:
    found = database.execute(SQL("SELECT id, detail FROM anchorhold_event WHERE detail LIKE '%\"serial\"%'")).fetchall()
    update = f"UPDATE anchorhold_event SET serial = {database.param} WHERE id = {database.param}"  # noqa: S608
    for row, detail in found:
        database.execute_sql(update, (json.loads(detail).get("serial"), row))
