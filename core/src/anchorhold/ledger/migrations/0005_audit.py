"""Who acted: the actor and the correlation id of events and certificates; requests that wait to be signed."""

import json
from typing import Any

from peewee import SQL, AutoField, BigIntegerField, BlobField, IntegerField, Model, SqliteDatabase, TextField

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
    for column in ("authority_id INTEGER", "serial TEXT"):
        database.execute(SQL(f"ALTER TABLE anchorhold_event ADD COLUMN {column}"))
    _fill_authorities(database)
    _fill_serials(database)
    for statement in (
        "CREATE INDEX anchorhold_event_authority ON anchorhold_event (authority_id)",
        "CREATE INDEX anchorhold_event_serial ON anchorhold_event (serial)",
        "CREATE INDEX anchorhold_request_status ON anchorhold_request (status)",
        "CREATE INDEX anchorhold_request_serial ON anchorhold_request (authority_id, serial)",
    ):
        database.execute(SQL(statement))


def _fill_authorities(database: Any) -> None:
    """Which authority each event is about: from the names that they have now backwards, through changes of names.

    A few statements for each name, however many events there are.
    """
    authorities = database.execute_sql(
        "SELECT id, name, key_id, status FROM anchorhold_authority ORDER BY id"
    ).fetchall()
    by_key = {bytes(key_id).hex(): row for row, _, key_id, _ in authorities}
    last = {name: row for row, name, _, status in authorities if status != "abandoned"}
    until: dict[str, int | None] = dict.fromkeys(last)
    changes = "SELECT id, kind, authority, detail FROM anchorhold_event WHERE kind IN ({}) ORDER BY id DESC"
    kinds = ("authority-begun", "authority-edited", "authority-abandoned")
    marks = ", ".join([database.param] * len(kinds))
    for event, kind, name, detail in database.execute_sql(changes.format(marks), kinds).fetchall():
        found = json.loads(detail)
        before = found.get("before", name)
        if kind == "authority-abandoned":
            _assign(database, name, last.pop(name, None), after=event, until=until.pop(name, None))
            last[name], until[name] = by_key.get(found.get("key_id"), 0), event
        elif kind == "authority-begun":
            row = by_key.get(found.get("key_id")) or last.get(name)
            _assign(database, name, row, after=event - 1, until=until.pop(name, None))
            last.pop(name, None)
        elif before != name:
            row = last.pop(name, None)
            _assign(database, name, row, after=event - 1, until=until.pop(name, None))
            last[before], until[before] = row or 0, event - 1
    for name, row in last.items():
        _assign(database, name, row, after=0, until=until.get(name))


def _assign(database: Any, name: str, row: int | None, *, after: int, until: int | None) -> None:
    """The events of a name with numbers above one and up to another are about that authority."""
    mark = database.param
    upto = "" if until is None else f"AND id <= {mark}"
    statement = f"UPDATE anchorhold_event SET authority_id = {mark} WHERE authority = {mark} AND id > {mark} {upto}"  # noqa: S608
    if row:
        database.execute_sql(statement, (row, name, after, *(() if until is None else (until,))))


def _fill_serials(database: Any) -> None:
    """Take the serial numbers out of the details in one statement, a million of them in seconds."""
    begin = '"serial": "'
    if isinstance(database, SqliteDatabase):
        rest = f"substr(detail, instr(detail, '{begin}') + {len(begin)})"
        found = f"substr({rest}, 1, instr({rest}, '\"') - 1)"
    else:
        found = f"substring(detail from '{begin}([0-9a-f]*)')"
    statement = f"UPDATE anchorhold_event SET serial = {found} WHERE detail LIKE {database.param}"  # noqa: S608
    database.execute_sql(statement, (f"%{begin}%",))
