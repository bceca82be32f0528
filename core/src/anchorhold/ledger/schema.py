"""The tables, as peewee models built for one database (``Model.bind`` would be global), and values in their columns.

Hexadecimal serial numbers are text, times are whole seconds since 1970 UTC, structured values are JSON text: all of
it means the same to SQLite and to PostgreSQL. Indexes and constraints stand in the migrations, which make the tables.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from peewee import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from anchorhold.audit import MAX_LENGTH, Actor, AuditContext
from anchorhold.parser_errors import printable

_AUDIT: Final = ("actor_kind", "actor_name", "actor_origin", "correlation_id")
PREFIX = "anchorhold_"
"""Of every table, so that the ledger can share a database."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The models of one database."""

    authority: Any
    certificate: Any
    event: Any
    revocation: Any
    crl: Any
    crl_part: Any
    responder: Any
    epoch: Any
    claim: Any
    key_copy: Any
    refusal: Any
    request: Any
    worker: Any
    signature_refusal: Any


def to_timestamp(moment: dt.datetime) -> int:
    """A moment as whole seconds since 1970-01-01 UTC, as the ledger stores it."""
    return int(moment.timestamp())


def from_timestamp(stored: int) -> dt.datetime:
    """The opposite of `to_timestamp`."""
    return dt.datetime.fromtimestamp(stored, dt.UTC)


def audit_columns(audit: AuditContext | None) -> dict[str, str | None]:
    """The values of the columns; null where it is not recorded, as by the release before."""
    if audit is None:
        return dict.fromkeys(_AUDIT)
    actor = audit.actor
    return dict(zip(_AUDIT, (actor.kind, actor.name, actor.origin, audit.correlation_id), strict=True))


def audit_of(row: Any) -> AuditContext | None:
    """Who acted; None where it was not recorded."""
    if row.actor_kind is None:
        return None
    actor = Actor.of_stored(row.actor_kind, row.actor_name, row.actor_origin)
    return AuditContext(actor, printable(row.correlation_id or "")[:MAX_LENGTH])


def schema(database: Database) -> Schema:
    """Build the models for a database."""

    class Authority(Model):
        id = AutoField()
        name = TextField()
        status = TextField()
        parent = ForeignKeyField("self", null=True, index=False)
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
        crl_number = BigIntegerField(default=0)
        rewrites = IntegerField(default=0)
        revision = IntegerField(default=0)

        class Meta:
            table_name = f"{PREFIX}authority"

    class Certificate(Model):
        id = BigAutoField()
        authority = ForeignKeyField(Authority, index=False)
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
        actor_kind = TextField(null=True)
        actor_name = TextField(null=True)
        actor_origin = TextField(null=True)
        correlation_id = TextField(null=True)

        class Meta:
            table_name = f"{PREFIX}certificate"

    class Event(Model):
        id = BigAutoField()
        at = BigIntegerField()
        kind = TextField()
        authority = TextField()
        authority_id = IntegerField(null=True)
        serial = TextField(null=True)
        detail = TextField()
        actor_kind = TextField(null=True)
        actor_name = TextField(null=True)
        actor_origin = TextField(null=True)
        correlation_id = TextField(null=True)

        class Meta:
            table_name = f"{PREFIX}event"

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
            table_name = f"{PREFIX}revocation"

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
            table_name = f"{PREFIX}crl"

    class CrlPart(Model):
        authority_id = IntegerField()
        shard = IntegerField(null=True)
        number = BigIntegerField()
        position = IntegerField()
        octets = BlobField()

        class Meta:
            table_name = f"{PREFIX}crl_part"
            primary_key = CompositeKey("authority_id", "number", "position")

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
            table_name = f"{PREFIX}responder"

    class Epoch(Model):
        id = IntegerField(primary_key=True)
        value = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}epoch"

    class Claim(Model):
        subject = TextField(primary_key=True)
        holder = TextField()
        work = TextField()
        host = TextField()
        process = IntegerField()
        life = TextField()
        until = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}claim"

    class KeyCopy(Model):
        id = AutoField()
        authority_id = IntegerField()
        key_backend = TextField()
        backend_type = TextField()
        key_id = BlobField()
        handle = TextField()
        left_at = BigIntegerField()

        class Meta:
            table_name = f"{PREFIX}key_copy"

    class Refusal(Model):
        place = TextField()
        source = TextField()
        version = TextField()
        host = TextField()
        process = BigIntegerField()
        shown_at = BigIntegerField()
        outcome = TextField()

        class Meta:
            table_name = f"{PREFIX}refusal"
            primary_key = CompositeKey("place", "source", "version")

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
            table_name = f"{PREFIX}request"

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
            table_name = f"{PREFIX}worker"

    class SignatureRefusal(Model):
        peer = TextField()
        purpose = TextField()
        reason = TextField()
        hour = BigIntegerField()
        count = IntegerField()

        class Meta:
            table_name = f"{PREFIX}signature_refusal"
            primary_key = CompositeKey("peer", "purpose", "reason", "hour")

    models = (
        Authority,
        Certificate,
        Event,
        Revocation,
        Crl,
        CrlPart,
        Responder,
        Epoch,
        Claim,
        KeyCopy,
        Refusal,
        Request,
        Worker,
        SignatureRefusal,
    )
    database.bind(models, bind_refs=False, bind_backrefs=False)
    return Schema(*models)
